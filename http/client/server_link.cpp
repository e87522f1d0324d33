// Asks a server and explains what it refuses.
#include "http/client/server_link.hpp"

#include "http/client/reply_event.hpp"
#include "http/client/terminal_text.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

server_link::server_link(server_access access, const interrupt_watch* watch)
    : access_(std::move(access)), loop_(watch) {
  // nop
}

client_request server_link::request(std::string_view path,
                                    std::string body) const {
  client_request result;
  result.url = fmt::format("{}{}", access_.url, path);
  result.body = std::move(body);
  if (!access_.key.empty())
    result.fields.push_back("Authorization: Bearer " + access_.key);
  return result;
}

std::string server_link::ask(std::string_view path, std::string body) {
  auto answer = fetch(loop_, request(path, std::move(body)), max_answer_bytes);
  if (answer.end != exchange_end::complete)
    throw std::runtime_error(describe(answer.end, answer.problem));
  if (answer.head.status != 200)
    throw refused_request(answer.head.status,
                          describe(answer.head, answer.body));
  return std::move(answer.body);
}

std::string server_link::describe(exchange_end end,
                                  const std::string& problem) const {
  if (end == exchange_end::no_connection)
    return fmt::format("no server answers at {} ({}); start one with "
                       "`model_api --model NAME`, or name another with --url",
                       access_.url, problem);
  return fmt::format("{}: {}", access_.url, problem);
}

std::string server_link::describe(const http_head& head,
                                  const std::string& body) const {
  auto [message, code] = read_server_error(body);
  if (message.empty())
    return fmt::format("{} answers with status {}; is it a Model Server?",
                       access_.url, head.status);
  auto result = plain_text(message);
  if (head.status == 401)
    result += access_.key.empty()
                  ? "; give a key in MODEL_SERVER_API_KEY or with --key"
                  : "; the key that was given is another one";
  else if (code == "model_not_active")
    result += "; `model_api list` tells what is, and POST "
              "/api/v1/NAME/activate starts one";
  return result;
}

} // namespace model_server
