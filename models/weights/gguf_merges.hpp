// The merges of a SentencePiece vocabulary, which knows only scores.
#pragma once

#include "models/weights/gguf_vocabulary.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// Pairs of pieces that make a piece, the best first: the order in which
/// SentencePiece joins neighbours, by the score of what they make, as
/// transformers' converter writes it out (equal ones by the length of the left
/// part, then of the right). Only normal tokens take part, so that no control
/// token is ever put together from text. Throws `std::runtime_error` that
/// begins with `where` if there are more than 16 for each token, or a piece is
/// longer than 1024 bytes: no vocabulary is like that.
std::vector<std::pair<std::string_view, std::string_view>>
merges_of_scores(const std::vector<gguf_token>& tokens,
                 const std::string& where);

} // namespace model_server
