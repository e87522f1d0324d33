// Reads server-sent events line by line.
#include "http/client/event_stream.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

void event_reader::end_line(std::vector<stream_event>& events) {
  auto line = std::exchange(line_, {});
  if (line.empty()) {
    if (std::exchange(has_data_, false))
      events.push_back({id_, std::exchange(data_, {})});
    return;
  }
  std::string_view name = line;
  std::string_view value;
  if (auto colon = line.find(':'); colon != line.npos) {
    name = std::string_view{line}.substr(0, colon);
    value = std::string_view{line}.substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
  }
  if (name == "id") {
    id_ = value;
  } else if (name == "data") {
    if (std::exchange(has_data_, true))
      data_ += '\n';
    data_ += value;
  }
}

std::vector<stream_event> event_reader::feed(std::string_view bytes) {
  std::vector<stream_event> result;
  while (!bytes.empty()) {
    if (std::exchange(is_after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    auto end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > max_event_bytes)
      throw std::runtime_error(fmt::format(
          "the server sends an event of more than {} bytes", max_event_bytes));
    if (end == bytes.npos)
      return result;
    is_after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(result);
  }
  return result;
}

} // namespace model_server
