// The header fields that tell of a trace (W3C Trace Context). Pure.
#pragma once

#include "actors/trace_context.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace model_server {

/// Bytes of `tracestate` that are kept; further members are left out.
inline constexpr std::size_t most_trace_state_bytes = 512;

/// Reads the values of the fields `traceparent` and `tracestate`, in the order
/// in which they came. A `traceparent` that is not valid, or not the only one,
/// is as none; a `tracestate` that is not valid is left out.
trace_context read_trace_fields(std::span<const std::string> parents,
                                std::span<const std::string> states);

} // namespace model_server
