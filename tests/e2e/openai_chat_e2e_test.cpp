// OpenAI's dialect on the real program: chats and models.
#include "contract_fixture.hpp"

#include <fmt/format.h>

#include <string>

namespace model_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto chats = "/v1/chat/completions";

std::string body_for(std::string_view model, std::string_view message,
                     std::string_view fields = {}) {
  return fmt::format(R"({{"model":"{}","messages":[{{"role":"user",)"
                     R"("content":"{}"}}]{}}})",
                     model, message, fields);
}

using openai_chat_e2e_test = contract_fixture;

TEST_F(openai_chat_e2e_test, answers_a_chat) {
  auto response = post(chats, body_for("org/echo", "hello"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("content-type"), "application/json");
  EXPECT_THAT(response.body, StartsWith(R"({"id":"chatcmpl-)"));
  EXPECT_THAT(response.body,
              HasSubstr(R"("object":"chat.completion","created":1)"));
  EXPECT_THAT(response.body,
              HasSubstr(R"("choices":[{"index":0,"message":{)"
                        R"("role":"assistant","content":"hello",)"
                        R"("refusal":null},"logprobs":null,)"
                        R"("finish_reason":"stop"}],"usage":{)"
                        R"("prompt_tokens":6,"completion_tokens":5,)"
                        R"("total_tokens":11,)"));
}

TEST_F(openai_chat_e2e_test, streams_the_chunks_that_clients_expect) {
  http_client client{port()};
  client.request("POST", chats,
                 body_for("fault", "len=3",
                          R"(,"seed":3,"stream":true,)"
                          R"("stream_options":{"include_usage":true})"));
  auto head = client.receive_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  auto reply = read_stream(client);
  EXPECT_EQ(reply.text, expected_reply(3, 3));
  EXPECT_TRUE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
  ASSERT_EQ(reply.data.size(), 6u); // role, three tokens, finish, usage
  for (std::size_t i = 0; i < reply.data.size(); ++i) {
    const auto& data = reply.data[i];
    EXPECT_EQ(json_value(data, "object"), "chat.completion.chunk");
    EXPECT_EQ(json_value(data, "id"), json_value(reply.data[0], "id"));
    EXPECT_EQ(json_value(data, "created"),
              json_value(reply.data[0], "created"));
    EXPECT_EQ(data.find("\"role\"") != std::string::npos, i == 0);
    EXPECT_EQ(data.find("\"usage\":null") != std::string::npos, i < 5);
  }
  EXPECT_THAT(reply.data[4], HasSubstr(R"("delta":{},"logprobs":null,)"
                                       R"("finish_reason":"stop")"));
  EXPECT_THAT(reply.data[5], HasSubstr(R"("choices":[],"usage":{)"));
  EXPECT_EQ(json_value(reply.data[5], "completion_tokens"), "3");
}

TEST_F(openai_chat_e2e_test, answers_with_several_choices) {
  auto response =
      post(chats, body_for("fault", "len=12", R"(,"seed":11,"n":3)"));
  ASSERT_EQ(response.status, 200) << response.body;
  for (auto i : {0u, 1u, 2u})
    EXPECT_THAT(
        response.body,
        HasSubstr(fmt::format(
            R"("index":{},"message":{{"role":"assistant","content":"{}")", i,
            expected_reply(11 + i, 12))));
  EXPECT_EQ(json_value(response.body, "completion_tokens"), "36");
  auto one = post(chats, body_for("fault", "len=12", R"(,"seed":12)"));
  EXPECT_EQ(json_value(one.body, "prompt_tokens"),
            json_value(response.body, "prompt_tokens"));
}

TEST_F(openai_chat_e2e_test, streams_several_choices_past_a_worker_that_dies) {
  // One at a time, so that each choice loses a worker by itself.
  http_client client{port()};
  client.request("POST", chats,
                 body_for("one", "len=12 throw@5:once",
                          R"(,"seed":20,"n":2,"stream":true)"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_TRUE(reply.is_done) << reply.data.back();
  std::string texts[2];
  for (const auto& data : reply.data)
    texts[json_value(data, "index") == "1"] += content_of(data);
  EXPECT_EQ(texts[0], expected_reply(20, 12));
  EXPECT_EQ(texts[1], expected_reply(21, 12));
}

TEST_F(openai_chat_e2e_test, frees_all_places_when_a_choice_fails_or_leaves) {
  auto failed = post(chats, body_for("fault", "len=30000 nan@3", R"(,"n":4)"));
  expect_error(failed, 500, "model_failed");
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
  http_client client{port()};
  client.request(
      "POST", chats,
      body_for("fault", "len=30000 sleep_ms=10", R"(,"n":3,"stream":true)"));
  ASSERT_TRUE(comes_to(port(), "fault", 3, 0));
  client.close();
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
}

TEST_F(openai_chat_e2e_test, ends_a_request_that_takes_longer_than_it_may) {
  auto response = post(
      chats, body_for("fault", "len=30000 sleep_ms=10", R"(,"timeout":0.3)"));
  expect_error(response, 504, "deadline_exceeded");
  EXPECT_THAT(response.body, HasSubstr("the limit of 300 ms"));
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
}

TEST_F(openai_chat_e2e_test, ends_a_stream_that_fails_without_done) {
  http_client client{port()};
  client.request("POST", chats,
                 body_for("fault", "len=9 nan@3", R"(,"stream":true)"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_FALSE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
  EXPECT_THAT(reply.data.back(), StartsWith(R"({"error":{"message":")"));
  EXPECT_THAT(reply.data.back(), EndsWith(R"("code":"model_failed"}})"));
  for (std::size_t i = 0; i + 1 < reply.data.size(); ++i)
    EXPECT_THAT(reply.data[i], Not(HasSubstr("error")));
}

TEST_F(openai_chat_e2e_test, goes_on_when_a_worker_dies) {
  auto response =
      post(chats, body_for("fault", "len=12 throw@5:once", R"(,"seed":11)"));
  EXPECT_EQ(content_of(response.body), expected_reply(11, 12));
}

TEST_F(openai_chat_e2e_test, refuses_with_a_status_before_the_stream) {
  for (auto stream : {"", R"(,"stream":true)"}) {
    expect_error(post(chats, body_for("nobody", "x", stream)), 404,
                 "model_not_found");
    auto idle = post(chats, body_for("idle", "x", stream));
    expect_error(idle, 503, "model_not_active");
    EXPECT_FALSE(idle.header("retry-after").empty());
    auto too_long =
        post(chats, body_for("short", std::string(40, 'x'), stream));
    expect_error(too_long, 400, "context_length_exceeded", "messages");
    EXPECT_THAT(too_long.body, HasSubstr("41 tokens"));
    EXPECT_THAT(too_long.body, HasSubstr("16"));
    for (auto name : {"nobody", "idle", "short"})
      EXPECT_EQ(post(chats, body_for(name, std::string(40, 'x'),
                                     fmt::format(R"(,"n":3{})", stream)))
                    .body,
                post(chats, body_for(name, std::string(40, 'x'), stream)).body);
  }
}

TEST_F(openai_chat_e2e_test, frees_the_place_of_a_client_that_leaves) {
  http_client client{port()};
  client.request(
      "POST", chats,
      body_for("fault", "len=30000 sleep_ms=10", R"(,"stream":true)"));
  ASSERT_TRUE(comes_to(port(), "fault", 1, 0));
  client.close();
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
}

TEST_F(openai_chat_e2e_test, lists_and_finds_models) {
  auto list = fetch(port(), "GET", "/v1/models");
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(list.body, StartsWith(R"({"object":"list","data":[{"id":")"));
  for (auto name : {"echo", "org/echo", "idle", "broken"})
    EXPECT_THAT(list.body, HasSubstr(fmt::format(R"({{"id":"{}",)"
                                                 R"("object":"model",)"
                                                 R"("created":)",
                                                 name)));
  auto one = fetch(port(), "GET", "/v1/models/org/echo");
  EXPECT_EQ(one.status, 200);
  EXPECT_THAT(list.body, HasSubstr(one.body));
  EXPECT_EQ(fetch(port(), "GET", "/v1/models/org%2Fecho").body, one.body);
  expect_error(fetch(port(), "GET", "/v1/models/nobody"), 404,
               "model_not_found", "model");
  expect_error(fetch(port(), "GET", "/v1/models/.x"), 404, "model_not_found");
}

TEST_F(openai_chat_e2e_test, tells_clients_not_to_send_what_kills_again) {
  // Its model is being restarted afterwards, so another one than the others'.
  auto response = post(chats, body_for("one", "throw@1"));
  expect_error(response, 500, "poison_request");
  EXPECT_EQ(response.header("x-should-retry"), "false");
}

} // namespace
} // namespace model_server
