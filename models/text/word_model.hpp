// What cuts words into tokens: one of four ways.
#pragma once

#include "models/text/bpe_model.hpp"
#include "models/text/unigram_model.hpp"
#include "models/text/word_level_model.hpp"
#include "models/text/word_piece_model.hpp"

#include <variant>

namespace model_server {

/// The model of a tokenizer. Each has `encode(word, out)` and `vocabulary()`.
using word_model =
    std::variant<bpe_model, word_piece_model, unigram_model, word_level_model>;

/// The spellings and ids of any of them.
inline const token_table& vocabulary_of(const word_model& model) {
  return std::visit(
      [](auto& each) -> const token_table& { return each.vocabulary(); },
      model);
}

} // namespace model_server
