// What a tokenizer is made of.
#pragma once

#include "models/text/added_tokens.hpp"
#include "models/text/bpe_model.hpp"
#include "models/text/json_node.hpp"
#include "models/text/normalizer.hpp"
#include "models/text/pre_tokenizer.hpp"
#include "models/text/token_decoder.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The text of every token, made once: in one block, each in the form it has
/// at the front of a text and in the one it has elsewhere.
class piece_table {
public:
  void build(const token_decoder& decoder, const token_table& vocabulary,
             const added_tokens& added);

  std::string_view find(token_id token, bool at_start) const;
  std::size_t end_id() const {
    return places_.size();
  }

private:
  struct place {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct forms {
    place first;
    place later;
  };
  std::string bytes_;
  std::vector<forms> places_;
};

/// The parts of one file, in the order in which text passes them.
struct tokenizer_parts {
  added_tokens added;
  normalizer normal;
  pre_tokenizer words;
  bpe_model model;
  piece_table pieces;
  /// What the post-processor puts around a text.
  std::vector<token_id> prefix;
  std::vector<token_id> suffix;
};

/// Reads a file's parts. Throws `std::runtime_error` that names the place.
tokenizer_parts read_tokenizer(const json_node& file);

/// The readers of single parts.
bpe_model read_bpe_model(const json_node& node);
void read_normalizer(const json_node& node, normalizer& result);
void read_pre_tokenizer(const json_node& node, pre_tokenizer& result);
void read_decoder(const json_node& node, token_decoder& result);
void read_post_processor(const json_node& node, tokenizer_parts& result);

/// A `{"String": ...}` or `{"Regex": ...}` pattern, as several parts have it.
unicode_pattern read_pattern(const json_node& node);

} // namespace model_server
