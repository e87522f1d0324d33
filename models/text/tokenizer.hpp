// Text to tokens and back, as the tokenizer files of a model say.
#pragma once

#include "models/entry.hpp"
#include "models/text/prompt_segment.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

struct tokenizer_parts;

/// What a tokenizer does beside cutting text into pieces.
struct encode_options {
  /// Adds what the file's post-processor adds (a begin token, say). Chat
  /// templates write these themselves.
  bool add_special = false;
};

/// A tokenizer of any kind that the Hugging Face library (0.23) knows: BPE,
/// WordPiece, Unigram and WordLevel, with the tokens that it gives. Two things
/// differ. What a file says of truncation and padding is for whoever makes
/// batches, and not done here: no prompt is cut off silently. And a control
/// token never comes out of the model itself, whatever a text or a normaliser
/// puts together: it is written out in trusted text, or it is not there.
/// Constant after construction; calls may overlap.
class tokenizer {
public:
  /// Reads a tokenizer.json. Throws `std::runtime_error` with one sentence
  /// that names the file and what is wrong or not supported in it.
  static tokenizer from_file(const std::filesystem::path& path);

  /// Reads the tokenizer of a model folder, whichever files it has (see
  /// `read_tokenizer_folder`). Throws as `from_file` does.
  static tokenizer from_folder(const std::filesystem::path& folder);

  /// `from_file` from memory; `origin` stands for the file in errors.
  static tokenizer from_json(std::string json, const std::string& origin);

  tokenizer(tokenizer&&) noexcept;
  tokenizer& operator=(tokenizer&&) noexcept;
  ~tokenizer();

  /// The tokens of a prompt, exactly those of the joined text, except that no
  /// control token comes from untrusted text. Throws `std::runtime_error` when
  /// a pattern of the file gives up on the text.
  std::vector<token_id> encode(std::span<const prompt_segment> prompt,
                               encode_options options = {}) const;

  /// The tokens of one text. With `trusted`, control tokens that are written
  /// out in it are recognised.
  std::vector<token_id> encode(std::string_view text, bool trusted,
                               encode_options options = {}) const;

  /// The text of `tokens`, valid UTF-8 (what isn't becomes U+FFFD). Unknown
  /// ids have no text; special ones have none if they are skipped.
  std::string decode(std::span<const token_id> tokens,
                     bool skip_special = true) const;

  /// The bytes of one token; they may end inside a UTF-8 character. Joined,
  /// with `at_start` for the first token that is not skipped, they are what
  /// `decode` makes its text from. Two decoders can't be said token by token,
  /// and of them only `decode` is exact: behind BPEDecoder the pieces end with
  /// one space more, behind CTC they have what is repeated.
  std::string_view piece(token_id token, bool at_start,
                         bool skip_special = true) const;

  /// One more than the largest id; some ids below may be unused.
  std::size_t vocab_size() const;

  /// The id of a token as the file spells it, `<|im_end|>` say.
  std::optional<token_id> id_of(std::string_view spelling) const;

  /// True if the file calls it special: a control token, never plain text.
  bool is_special(token_id token) const;

private:
  explicit tokenizer(std::unique_ptr<const tokenizer_parts> parts);

  std::unique_ptr<const tokenizer_parts> parts_;
};

} // namespace model_server
