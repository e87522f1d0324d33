// The figures of the server in Prometheus' text format.
#pragma once

#include "actors/figures.hpp"
#include "actors/messages.hpp"
#include "actors/process_usage.hpp"

#include <string>
#include <string_view>

namespace model_server {

/// What Prometheus calls the format.
inline constexpr const char* metrics_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

/// Everything that was counted, and what holds now of each entity there is: a
/// removed one has no gauges any more. Devices of other nodes than `own_node`
/// are named with theirs, `node-b/cuda:0`.
std::string metrics_text(const figures& counted, const server_status& status,
                         const process_usage& process,
                         std::string_view own_node);

} // namespace model_server
