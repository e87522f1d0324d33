// The answers of /api/v1, letter by letter as the contract has them.
#include "http/api_v1.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace model_server {
namespace {

reply_summary summary() {
  return {.finish = finish_reason::stop,
          .seed = 1234,
          .device = "cpu",
          .prompt_tokens = 12,
          .completion_tokens = 34,
          .cached_tokens = 0};
}

TEST(api_v1_test, writes_the_reply_of_the_contract) {
  EXPECT_EQ(
      reply_json("call-7f3a", "tiny-chat", "hi \"you\"", std::nullopt,
                 summary()),
      R"({"id":"call-7f3a","model":"tiny-chat","message":{"role":"agent",)"
      R"("content":"hi \"you\""},"finish_reason":"stop","seed":1234,)"
      R"("device":"cpu","usage":{"prompt_tokens":12,"completion_tokens":34,)"
      R"("cached_tokens":0}})");
}

TEST(api_v1_test, writes_the_role_on_the_first_event_only) {
  EXPECT_EQ(delta_json("c", "x", {}, true),
            R"({"id":"c","delta":{"role":"agent","content":"x"},)"
            R"("finish_reason":null})");
  EXPECT_EQ(delta_json("c", "y", {}, false),
            R"({"id":"c","delta":{"content":"y"},"finish_reason":null})");
  EXPECT_EQ(finish_json("c", summary(), true).substr(0, 54),
            R"({"id":"c","delta":{"role":"agent","content":""},"finis)");
}

TEST(api_v1_test, writes_logprobs_as_openai_clients_read_them) {
  std::vector<token> tokens{{7, "a", -0.3f, {{"a", -0.3f}, {"b", -1.25f}}},
                            {8, "\xF0\x9F", least_logprob, {}}};
  EXPECT_EQ(delta_json("c", "a", tokens, false),
            R"({"id":"c","delta":{"content":"a"},"logprobs":{"content":[)"
            R"({"token":"a","logprob":-0.3,"bytes":[97],"top_logprobs":[)"
            R"({"token":"a","logprob":-0.3,"bytes":[97]},)"
            R"({"token":"b","logprob":-1.25,"bytes":[98]}]},)"
            "{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-9999.0,"
            R"("bytes":[240,159],"top_logprobs":[]}]},"finish_reason":null})");
  std::span<const token> none;
  EXPECT_NE(reply_json("c", "m", "", none, summary())
                .find(R"(},"logprobs":{"content":[]},"finish_reason")"),
            std::string::npos);
}

TEST(api_v1_test, ends_a_stream_with_usage_and_seed) {
  EXPECT_EQ(finish_json("c", summary(), false),
            R"({"id":"c","delta":{},"finish_reason":"stop","usage":)"
            R"({"prompt_tokens":12,"completion_tokens":34,"cached_tokens":0},)"
            R"("seed":1234,"device":"cpu"})");
}

TEST(api_v1_test, writes_the_status_of_the_contract) {
  server_status status;
  model_status model;
  model.name = "org/m";
  model.entry = "echo";
  model.state = model_state::degraded;
  model.batch_size = 8;
  entity_status entity;
  entity.device = "cpu";
  entity.node = "local";
  entity.state = entity_state::restarting;
  entity.running = 1;
  entity.waiting = 2;
  entity.tokens_per_second = std::numeric_limits<double>::quiet_NaN();
  entity.restarts = 3;
  entity.reason = "it broke";
  model.entities.push_back(entity);
  status.models.push_back(model);
  EXPECT_EQ(
      status_json(status),
      R"({"models":{"org/m":{"entry":"echo","state":"degraded",)"
      R"("batch_size":8,"entities":[{"device":"cpu","node":"local",)"
      R"("state":"restarting","running":1,"waiting":2,)"
      R"("tokens_per_second":null,"restarts":3,"reason":"it broke"}]}}})");
  EXPECT_EQ(status_json({}), R"({"models":{}})");
}

TEST(api_v1_test, writes_what_became_of_a_device) {
  device_report report;
  report.device = "cpu";
  report.moved_replies = 2;
  EXPECT_EQ(device_report_json(device_change::add, "m", report),
            R"({"model":"m","device":"cpu","state":"ready"})");
  EXPECT_EQ(device_report_json(device_change::remove, "m", report),
            R"({"model":"m","device":"cpu","moved_replies":2})");
  report.unchanged = true;
  EXPECT_EQ(device_report_json(device_change::activate, "m", report),
            R"({"model":"m","device":"cpu","state":"ready","unchanged":true})");
}

device_request taken(std::string_view body, bool takes_wait) {
  return std::get<device_request>(read_device_request(body, takes_wait));
}

error_reply refused(std::string_view body, bool takes_wait) {
  return std::get<error_reply>(read_device_request(body, takes_wait));
}

TEST(api_v1_test, reads_device_requests) {
  EXPECT_EQ(taken("", true), device_request{});
  EXPECT_EQ(taken("{}", false), device_request{});
  EXPECT_EQ(taken(R"({"device":null})", false), device_request{});
  EXPECT_EQ(taken(R"({"device":"cuda:0","wait":false})", true),
            (device_request{"cuda:0", false}));
}

TEST(api_v1_test, refuses_other_device_requests) {
  EXPECT_EQ(refused(R"({"device":1})", true).param, "device");
  EXPECT_EQ(refused(R"({"wait":"no"})", true).param, "wait");
  EXPECT_EQ(refused(R"({"wait":false})", false).code, "unknown_field");
  EXPECT_EQ(refused("[]", false).code, "wrong_type");
  auto long_name = R"({"device":")" + std::string(4'000'000, 'A') + "\"}";
  EXPECT_EQ(refused(long_name, true),
            bad_request("out_of_range",
                        "device has 4000000 bytes, the limit is 128",
                        "device"));
}

TEST(api_v1_test, takes_nothing_but_an_empty_body_where_nothing_is_asked) {
  EXPECT_FALSE(check_empty_body(""));
  EXPECT_FALSE(check_empty_body("{}"));
  EXPECT_EQ(check_empty_body(R"({"x":1})")->code, "unknown_field");
  EXPECT_EQ(check_empty_body("[")->code, "invalid_json");
}

} // namespace
} // namespace model_server
