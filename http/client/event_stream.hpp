// Server-sent events, put together from pieces of any size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

struct stream_event {
  /// The last one that the stream has given, not only with this event.
  std::string id;
  std::string data;
};

/// Reads a `text/event-stream`. Comments, other fields and events without data
/// are passed over; what is unfinished at the end of the stream counts for
/// nothing.
class event_reader {
public:
  /// More without the end of an event is no stream of ours.
  static constexpr std::size_t max_event_bytes = 16 << 20;

  /// The events that `bytes` complete. Throws `std::runtime_error` for an event
  /// that is too large.
  std::vector<stream_event> feed(std::string_view bytes);

private:
  void end_line(std::vector<stream_event>& events);

  std::string line_;
  /// A line feed that comes next belongs to the line end before it.
  bool is_after_return_ = false;
  bool has_data_ = false;
  std::string id_;
  std::string data_;
};

} // namespace model_server
