// What only the worker can say of a request: whether its model can do it.
#pragma once

#include "actors/messages.hpp"

#include <optional>

namespace model_server {

/// Checks token ids against the vocabulary, and that a model which does not
/// draw from scores is asked for nothing that needs them.
std::optional<failure> check_request(const sampling_options& asked,
                                     const model_info& info);

} // namespace model_server
