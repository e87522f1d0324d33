// Counts how requests are answered.
#pragma once

#include "actors/figures.hpp"
#include "http/exchange.hpp"

#include <memory>
#include <string_view>

namespace model_server {

/// The same answer, counted once by its route and the class of its status, and
/// among the open streams while it is one. `route` must be a constant.
std::unique_ptr<http_answer> counted_answer(std::unique_ptr<http_answer> answer,
                                            std::string_view route,
                                            std::shared_ptr<figures> counted);

} // namespace model_server
