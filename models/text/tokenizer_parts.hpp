// What a tokenizer is made of.
#pragma once

#include "models/text/added_tokens.hpp"
#include "models/text/json_node.hpp"
#include "models/text/normalizer.hpp"
#include "models/text/pre_tokenizer.hpp"
#include "models/text/token_decoder.hpp"
#include "models/text/word_model.hpp"

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

/// The parts of one tokenizer, in the order in which text passes them.
struct tokenizer_parts {
  added_tokens added;
  normalizer normal;
  pre_tokenizer words;
  word_model model;
  token_decoder decoder;
  piece_table pieces;
  /// What the post-processor puts around a text.
  std::vector<token_id> prefix;
  std::vector<token_id> suffix;

  /// Adds tokens that are recognised in text. The normaliser and the model are
  /// complete. Throws `std::runtime_error` if one of them is taken; with
  /// `may_replace` one may have the id of another spelling of the model.
  void add_tokens(std::vector<added_token> tokens, bool may_replace = false);

  /// Called when all other parts are there.
  void finish();

  /// How a token is written; empty for an id that is not there.
  std::string_view spelling(token_id id) const {
    return added.table().has(id) ? added.table().spelling(id)
                                 : vocabulary_of(model).spelling(id);
  }
};

/// Reads the parts of a tokenizer.json from its text. Throws
/// `std::runtime_error` that names the place and begins with `origin`.
tokenizer_parts read_tokenizer(std::string json, const std::string& origin);

/// One added token, as tokenizer.json and tokenizer_config.json have it; its
/// id is not read.
added_token read_added_token(const json_node& node);

/// Which ids are those of control tokens.
std::vector<bool> control_tokens(const std::vector<added_token>& tokens);

/// The readers of single parts.
word_model read_model(const json_node& node,
                      const std::vector<bool>& is_control);
void read_normalizer(const json_node& node, normalizer& result);
void read_pre_tokenizer(const json_node& node, pre_tokenizer& result);
void read_decoder(const json_node& node, token_decoder& result);
void read_post_processor(const json_node& node, tokenizer_parts& result);

} // namespace model_server
