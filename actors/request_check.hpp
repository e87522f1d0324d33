// What only the worker can say of a request: whether its model can do it.
#pragma once

#include "actors/messages.hpp"

#include <optional>
#include <span>
#include <string>

namespace model_server {

/// Checks that the model does what it is asked for, replies or embeddings;
/// token ids against the vocabulary, and that a model which does not draw from
/// scores is asked for nothing that needs them; dimensions against the width.
std::optional<failure> check_request(const generation_request& asked,
                                     const model_info& info);

/// Checks tokens that a client sends in place of text, `param` of the body: the
/// model must have them all, and know tokens in the first place.
std::optional<failure> check_tokens(std::span<const token_id> tokens,
                                    const std::string& param,
                                    const model_info& info);

} // namespace model_server
