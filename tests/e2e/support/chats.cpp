// Chats with the echo and fault entries.
#include "support/chats.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <exception>

namespace model_server {

namespace {

constexpr std::size_t beside_length = 40;

} // namespace

std::string chat_body(std::string_view message, std::string_view fields) {
  return fmt::format(R"({{"messages":[{{"role":"user","content":"{}"}}]{}}})",
                     message, fields);
}

std::string expected_reply(std::uint64_t seed, std::size_t length) {
  std::string result;
  for (std::uint64_t number = 1; number <= length; ++number)
    result += fmt::format("{}:{:04x} ", number, fault_check(seed, number));
  return result;
}

std::string content_of(std::string_view json) {
  return json_value(json, "content");
}

streamed_reply read_stream(http_client& client) {
  streamed_reply result;
  while (auto event = client.next_event()) {
    if (event->data.empty())
      continue;
    if (event->data == "[DONE]") {
      result.is_done = true;
      continue;
    }
    result.text += content_of(event->data);
    result.ids.push_back(event->id);
    result.data.push_back(event->data);
  }
  result.has_ended_well = client.has_ended_well();
  return result;
}

std::vector<std::string> entities_of(std::uint16_t port,
                                     std::string_view model) {
  auto body = fetch(port, "GET", "/api/v1/").body;
  std::vector<std::string> result;
  auto at = body.find(fmt::format("\"{}\":{{\"entry\"", model));
  if (at == std::string::npos)
    return result;
  auto begin = body.find("\"entities\":[", at);
  auto end = body.find(']', begin);
  for (auto open = body.find('{', begin); open < end;
       open = body.find('{', open + 1))
    result.push_back(body.substr(open, body.find('}', open) - open + 1));
  return result;
}

std::string entity_value(std::uint16_t port, std::string_view model,
                         std::string_view key) {
  auto entities = entities_of(port, model);
  return entities.empty() ? "" : json_value(entities.front(), key);
}

bool comes_to(std::uint16_t port, std::string_view model, int running,
              int waiting) {
  return comes_true([=] {
    return entity_value(port, model, "running") == std::to_string(running)
           && entity_value(port, model, "waiting") == std::to_string(waiting);
  });
}

chat_beside::chat_beside(std::uint16_t port)
    : port_(port), thread_([this] { run(); }) {
  begun_.get_future().wait();
}

chat_beside::~chat_beside() {
  is_over_ = true;
  thread_.join();
  EXPECT_EQ(failure_, "");
  EXPECT_GT(replies_, 0);
}

void chat_beside::run() {
  try {
    http_client client{port_};
    do {
      converse(client);
      if (++replies_ == 1)
        begun_.set_value();
    } while (!is_over_ && failure_.empty());
  } catch (const std::exception& e) {
    failure_ = e.what();
  }
  if (replies_ == 0)
    begun_.set_value();
}

void chat_beside::converse(http_client& client) {
  auto seed = static_cast<std::uint64_t>(1000 + replies_);
  client.request(
      "POST", "/api/v1/beside/call",
      chat_body("hi", fmt::format(",\"seed\":{},\"stream\":true", seed)));
  auto head = client.receive_head();
  auto reply = read_stream(client);
  client.expect_next_response();
  if (head.status != 200 || !reply.is_done || !reply.has_ended_well
      || reply.text != expected_reply(seed, beside_length))
    failure_ = fmt::format("reply {}: status {}, \"{}\"", replies_, head.status,
                           reply.text);
}

} // namespace model_server
