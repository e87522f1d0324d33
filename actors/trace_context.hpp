// The trace that a request is part of, as its client tells it.
#pragma once

#include <string>

namespace model_server {

/// W3C Trace Context: what logs and stories say so that they are found beside
/// what other programs say of the same trace.
struct trace_context {
  /// 32 hexadecimal digits; empty if the client told of no trace.
  std::string trace_id;
  /// The client's span, 16 digits: what OpenTelemetry calls the remote parent.
  std::string span_id;
  /// The client records the trace.
  bool is_sampled = false;
  /// `tracestate`, as far as it is kept; for the client's tools alone.
  std::string state;

  explicit operator bool() const {
    return !trace_id.empty();
  }

  friend bool operator==(const trace_context&, const trace_context&) = default;
};

} // namespace model_server
