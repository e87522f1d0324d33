// When a step has taken so long that it hangs.
#pragma once

#include "models/engine/recent_times.hpp"

#include <chrono>
#include <cstddef>

namespace model_server {

/// What a step with so much to do takes, after the times that a unit of it
/// took; 0 if there were none.
std::chrono::nanoseconds usual_time(const recent_times& unit_times,
                                    std::size_t work);

/// The longest that a step may take: `timeout`, or 20 times what is usual where
/// that is more. Where that is not known (`usual` is 0), ten times the timeout:
/// the weights of a first step may still have to come from a disk, and a step
/// of a model that answers whole chats takes as long as its answer.
std::chrono::milliseconds longest_step(std::chrono::nanoseconds usual,
                                       std::chrono::milliseconds timeout);

/// How often to look: a few times within the timeout.
std::chrono::milliseconds watch_interval(std::chrono::milliseconds timeout);

} // namespace model_server
