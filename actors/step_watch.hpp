// When a step has taken so long that it hangs.
#pragma once

#include <chrono>

namespace model_server {

/// The longest that a step may take: `timeout`, or 20 of its usual steps where
/// that is more. Until a worker has been through one (`usual` is 0), ten times
/// the timeout: weights may still have to come from a disk.
std::chrono::milliseconds longest_step(std::chrono::nanoseconds usual,
                                       std::chrono::milliseconds timeout);

/// How often to look: a few times within the timeout.
std::chrono::milliseconds watch_interval(std::chrono::milliseconds timeout);

} // namespace model_server
