// What generates text or embeds it: the interface that a model implements.
#pragma once

#include "models/chat.hpp"
#include "models/sampling.hpp"
#include "models/token.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Names a sequence within its worker; never used twice there.
using sequence_id = std::uint64_t;

/// Why a prompt cannot be encoded: the model's template refuses the chat, or
/// the model knows nothing but chats. The text is for the client.
class bad_chat : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Constant facts of a loaded model.
struct model_info {
  /// Prompt and reply together, in tokens.
  std::size_t context_length = 0;
  /// Tokens that end a reply; they are not part of its text.
  std::vector<token_id> end_tokens;
  /// From the model's generation_config.json.
  sampling_options defaults;
  /// Replies end after this many tokens unless the request says otherwise; 0
  /// leaves it to the context length.
  std::size_t default_max_tokens = 0;
  /// Token ids are below this. 0 for models that do not draw from scores: they
  /// know no logit_bias, no logprobs and no prompts but chats.
  std::size_t vocabulary = 0;
  /// A step gives a sequence the same tokens, bit for bit, whatever else is in
  /// its batch and wherever a model of the same `identity` runs.
  bool is_exact = false;
  /// Differs between models that may give different tokens, say by their
  /// weights; 0 is unknown.
  std::uint64_t identity = 0;
  /// Numbers of an embedding, for models that make these and write no replies;
  /// 0 for all others.
  std::size_t embedding_width = 0;
  /// What the cache for keys and values holds, all replies together, in tokens;
  /// 0 for models that have none.
  std::size_t cache_tokens = 0;
};

/// One reply in progress, as its worker and its model see it. Everything that
/// decides the next token is here: `conversation`, `tokens` and `sampling`. The
/// worker owns it; `step` appends to `tokens` and `logprobs` and may set
/// `failure`.
struct sequence {
  sequence_id id = 0;
  /// What the prompt was made from; never null, outlives the sequence. Empty if
  /// the prompt was text or tokens, which only models that implement
  /// `encode_text` are given.
  const chat* conversation = nullptr;
  /// The prompt, then the reply so far. A reply that was begun elsewhere
  /// arrives with the tokens it already has.
  std::vector<token_id> tokens;
  /// How many of `tokens` are the prompt; never 0.
  std::size_t prompt_size = 0;
  sampling_params sampling;
  /// The reply ends after this many tokens at the latest; 0 leaves it to the
  /// model. For models that answer as a whole; the worker counts anyway.
  std::size_t max_tokens = 0;
  /// A step makes the reply no longer than this; it may grow between the steps.
  /// Of models that make several tokens a step those that answer as a whole
  /// need not keep it.
  std::size_t reply_limit = std::numeric_limits<std::size_t>::max();
  /// For each token that `step` appends, in order, if the sampling asks for
  /// them; the worker takes them out between the steps.
  std::vector<place_logprobs> logprobs;
  /// Set by `step`: how many tokens of the prompt it found already computed
  /// when it first read from this sequence.
  std::size_t cached_tokens = 0;
  /// Set by `step`: the sequence stood still for lack of memory. It goes on by
  /// itself when others have ended.
  bool is_waiting = false;
  /// Set by `step`: this reply cannot go on (say, NaN among its scores); the
  /// others are unharmed. Text for the client.
  std::string failure;
  /// How many numbers of the embedding are wanted, `embedding_width` at most; 0
  /// for all of them.
  std::size_t dimensions = 0;
  /// Set by `step` of a model that makes embeddings, once the prompt has been
  /// read; there is no reply then.
  std::vector<float> embedding = {};

  std::size_t reply_size() const {
    return tokens.size() - prompt_size;
  }
};

/// A model the server can run. One worker owns one entry and calls it
/// from one thread; calls never overlap. An exception other than `bad_chat`
/// means that the model is broken: its worker ends and another is started.
class model_entry {
public:
  virtual ~model_entry() = default;

  /// Constant after construction.
  virtual model_info info() const = 0;

  /// Applies the chat template and the tokenizer. Throws `bad_chat` if the
  /// template cannot express the chat.
  virtual std::vector<token_id> encode(const chat& conversation) const = 0;

  /// The tokens of text that is no chat, for the reply to continue. Whatever is
  /// written in it is text: no control token comes of it. Never empty. Throws
  /// `bad_chat` unless the model goes by its tokens alone.
  virtual std::vector<token_id> encode_text(std::string_view text) const {
    static_cast<void>(text);
    throw bad_chat("this model takes chats alone, no text and no tokens");
  }

  /// Text of one token; may end inside a UTF-8 character. `at_start`: the token
  /// is the first of a reply that begins a turn (some vocabularies write a
  /// space there that is not part of the text).
  virtual std::string decode(token_id token, bool at_start) const = 0;

  /// One forward pass over `batch`, no sequence twice. Appends at least one
  /// token to every sequence whose prompt has been read; long prompts may take
  /// several steps. What it keeps for a sequence (a KV cache) it finds by `id`
  /// and may build from `tokens` at any time. An end token is appended like
  /// any other; what follows one within a step is ignored. A model that makes
  /// embeddings sets `embedding` instead, of each sequence whose prompt has
  /// been read, and may leave others for later steps.
  virtual void step(std::span<sequence* const> batch) = 0;

  /// Drops what is kept for a sequence that will not be stepped again. Unknown
  /// ids are ignored.
  virtual void release(sequence_id id) {
    static_cast<void>(id);
  }

  /// How many threads the next steps may use; called on the worker's thread
  /// before the first step and whenever the number changes.
  virtual void use_threads(int count) {
    static_cast<void>(count);
  }
};

} // namespace model_server
