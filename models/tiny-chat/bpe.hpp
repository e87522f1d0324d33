// Learns and applies the byte-level pair encoding of tiny-chat.
#pragma once

#include "models/tiny-chat/random.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace model_server::tiny_chat {

/// Ids of the added tokens: they come first in the vocabulary.
inline constexpr std::int64_t end_of_text = 0, message_start = 1,
                              message_end = 2;
/// Spellings of the added tokens, by id.
inline constexpr const char* added_tokens[] = {"<|endoftext|>", "<|im_start|>",
                                               "<|im_end|>"};

/// Cuts a text into words as GPT-2's byte-level tokenizers do.
class word_splitter {
public:
  word_splitter();
  ~word_splitter();
  word_splitter(word_splitter&&) noexcept;
  /// Returns the words in order; together they are the text.
  std::vector<std::string_view> split(std::string_view text) const;

private:
  struct pattern;
  std::unique_ptr<pattern> pattern_;
};

/// A byte-level BPE vocabulary: added tokens, the 256 bytes, then the merges.
class bpe {
public:
  using token = std::int64_t;

  /// Learns merges from texts with their weights until the vocabulary has
  /// `vocabulary_size` pieces. Ties go to the pair with the lower ids.
  static bpe learn(const std::map<std::string, std::int64_t>& weighted_texts,
                   std::size_t vocabulary_size);

  /// Returns the tokens of a text without added tokens. With `dropout` each
  /// possible merge is left out with that probability, so that a model sees
  /// a word in other pieces than its own (`random` must then be given).
  std::vector<token> encode(std::string_view text, double dropout = 0,
                            random_source* random = nullptr) const;

  /// Returns the text of the tokens, added tokens left out.
  std::string decode(const std::vector<token>& tokens) const;

  /// Number of pieces.
  std::size_t size() const {
    return pieces_.size();
  }

  /// Writes tokenizer.json as the tokenizers library reads it.
  void write(const std::filesystem::path& file) const;

private:
  bpe();
  token add_merge(token left, token right);
  void encode_word(std::string_view word, double dropout, random_source* random,
                   std::vector<token>& result) const;

  word_splitter splitter_;
  std::vector<std::string> pieces_; // raw bytes, by id
  std::vector<std::pair<token, token>> merges_;
  struct merge_result {
    token rank; // lower is earlier
    token id;
  };
  std::map<std::pair<token, token>, merge_result> merged_;
  std::map<std::string, token> ids_; // of what merges made
  token byte_tokens_[256];
};

} // namespace model_server::tiny_chat
