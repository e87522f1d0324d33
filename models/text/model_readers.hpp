// Readers of the "model" of a tokenizer.json, one a type.
#pragma once

#include "models/text/json_node.hpp"
#include "models/text/word_model.hpp"

#include <optional>
#include <vector>

namespace model_server {

/// A BPE model that is not finished yet.
bpe_model read_bpe_model(const json_node& node,
                         const std::vector<bool>& is_control);

/// Spellings and ids of a `{"a": 0}` that its document leaves out.
token_table read_vocabulary(const json_node& node);

/// The token that `unk_token` names; it must be in the vocabulary.
std::optional<token_id> read_unknown(const json_node& node,
                                     const token_table& vocabulary);

} // namespace model_server
