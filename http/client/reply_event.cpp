// Reads the JSON of streamed calls and of errors.
#include "http/client/reply_event.hpp"

#include "models/text/json_node.hpp"

#include <algorithm>
#include <charconv>
#include <exception>

namespace model_server {

namespace {

std::uint64_t count_of(const json_node& object, const char* key) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(object.number(key, 0), 0));
}

server_error error_of(const json_node& error) {
  server_error result;
  if (auto message = error.find("message"))
    result.message = message->text();
  if (auto code = error.find("code"))
    result.code = code->text();
  return result;
}

} // namespace

reply_event read_reply_event(const stream_event& event) {
  reply_event result;
  if (event.data == "[DONE]") {
    result.is_done = true;
    return result;
  }
  std::from_chars(event.id.data(), event.id.data() + event.id.size(),
                  result.tokens);
  json_document document{event.data, "an event of the server"};
  json_node root{document.root(), "an event of the server"};
  if (auto error = root.find("error")) {
    auto [message, code] = error_of(*error);
    result.error = message.empty() ? "the server gives no reason" : message;
    result.error_code = code;
    return result;
  }
  if (auto delta = root.find("delta"))
    if (auto content = delta->find("content"))
      result.text = content->text();
  if (auto reason = root.find("finish_reason"))
    result.finish_reason = reason->text();
  if (auto usage = root.find("usage"))
    result.usage = {count_of(*usage, "prompt_tokens"),
                    count_of(*usage, "completion_tokens"),
                    count_of(*usage, "cached_tokens")};
  return result;
}

server_error read_server_error(const std::string& body) {
  try {
    json_document document{body, "body"};
    json_node root{document.root(), "body"};
    if (auto error = root.find("error"))
      return error_of(*error);
  } catch (const std::exception&) {
    // an answer of something else that stands before the server
  }
  return {};
}

} // namespace model_server
