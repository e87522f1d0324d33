// The error table of the contract on the real program, line by line.
#include "contract_fixture.hpp"

namespace model_server {
namespace {

using testing::HasSubstr;

using contract_errors_test = contract_fixture;

TEST_F(contract_errors_test, says_400_to_bodies_that_make_no_sense) {
  auto call = "/api/v1/echo/call";
  expect_error(post(call, ""), 400, "missing_field", "messages");
  expect_error(post(call, "{"), 400, "invalid_json");
  expect_error(post(call, chat_body("\xFF")), 400, "invalid_utf8");
  expect_error(post(call, chat_body("x", ",\"temprature\":1")), 400,
               "unknown_field", "temprature");
  expect_error(post(call, chat_body("x", ",\"temperature\":3")), 400,
               "out_of_range", "temperature");
  expect_error(post(call, chat_body("x", ",\"stream\":1")), 400, "wrong_type",
               "stream");
  expect_error(post(call, R"({"messages":[{"role":"robot","content":"x"}]})"),
               400, "bad_role", "messages[0].role");
  expect_error(post(call, chat_body("x", ",\"n\":129")), 400, "out_of_range",
               "n");
  expect_error(post("/api/v1/", R"({"x":1})"), 400, "unknown_field", "x");
  auto device = post("/api/v1/echo/add", R"({"device":"cuda:99"})");
  expect_error(device, 400, "no_such_device", "device");
  EXPECT_THAT(device.body, HasSubstr("virtual:1"));
}

TEST_F(contract_errors_test,
       says_400_with_both_counts_to_a_prompt_that_is_too_long) {
  auto response = post("/api/v1/short/call", chat_body("0123456789abcdefghij"));
  expect_error(response, 400, "context_length_exceeded", "messages");
  EXPECT_THAT(response.body, HasSubstr("21"));
  EXPECT_THAT(response.body, HasSubstr("16"));
}

TEST_F(contract_errors_test, says_404_to_what_is_not_there) {
  expect_error(post("/api/v1/nobody/call", chat_body("x")), 404,
               "model_not_found");
  expect_error(post("/api/v1/.hidden/call", chat_body("x")), 404,
               "model_not_found");
  expect_error(post("/api/v1/%00%0a%1b/add", ""), 404, "model_not_found");
  expect_error(fetch(port(), "GET", "/nowhere"), 404, "unknown_url");
}

TEST_F(contract_errors_test, says_405_and_what_is_allowed) {
  auto response = fetch(port(), "GET", "/api/v1/echo/call");
  expect_error(response, 405, "method_not_allowed");
  EXPECT_EQ(response.header("allow"), "POST");
}

TEST_F(contract_errors_test, says_408_to_half_a_request) {
  auto response = fetch_raw(port(), "POST /api/v1/echo/call HTTP/1.1\r\nHost:");
  expect_error(response, 408, "request_timeout");
  EXPECT_THAT(response.body, HasSubstr("the limit is 500ms"));
  expect_error(fetch_raw(port(),
                         "POST /api/v1/echo/call HTTP/1.1\r\nHost: a\r\n"
                         "Content-Length: 100\r\n\r\n{\"messages\":"),
               408, "request_timeout");
}

TEST_F(contract_errors_test, says_413_to_a_body_that_is_too_large) {
  expect_error(post("/api/v1/echo/call", std::string((4 << 20) + 1, ' ')), 413,
               "request_too_large");
}

TEST_F(contract_errors_test, takes_a_body_of_just_the_limit) {
  std::string body = chat_body("x");
  body.resize(4 << 20, ' ');
  EXPECT_EQ(post("/api/v1/echo/call", body).status, 200);
}

TEST_F(contract_errors_test, says_414_and_431_to_a_head_that_is_too_large) {
  expect_error(fetch(port(), "GET", "/" + std::string(9000, 'a')), 414,
               "uri_too_long");
  expect_error(fetch(port(), "GET", "/health/live", {},
                     "X: " + std::string(80'000, 'x') + "\r\n"),
               431, "headers_too_large");
}

TEST_F(contract_errors_test, says_429_and_when_to_come_again) {
  std::vector<http_client> clients;
  for (int i = 0; i < 3; ++i) { // one runs, two wait
    clients.emplace_back(port());
    clients.back().request("POST", "/api/v1/one/call",
                           chat_body("len=100 sleep_ms=50"));
    ASSERT_TRUE(comes_to(port(), "one", 1, i));
  }
  auto response = post("/api/v1/one/call", chat_body("len=1"));
  expect_error(response, 429, "queue_full");
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
  EXPECT_EQ(json_value(response.body, "type"), "rate_limit_error");
  clients.clear();
  EXPECT_TRUE(comes_to(port(), "one", 0, 0));
}

TEST_F(contract_errors_test, says_500_when_the_model_fails) {
  expect_error(post("/api/v1/fault/call", chat_body("len=4 nan@2")), 500,
               "model_failed");
  auto lost = post("/api/v1/fault/call", chat_body("len=4 throw@2"));
  expect_error(lost, 500, "poison_request");
  EXPECT_EQ(lost.header("x-should-retry"), "false");
  auto broken = post("/api/v1/broken/add", "");
  expect_error(broken, 500, "load_failed");
  EXPECT_THAT(broken.body, HasSubstr("no such weights"));
  EXPECT_TRUE(comes_true([] {
    return post("/api/v1/fault/call", chat_body("len=1")).status == 200;
  }));
}

TEST_F(contract_errors_test, ends_a_stream_that_fails_without_done) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=4 nan@3", ",\"stream\":true"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_EQ(json_value(reply.data.back(), "code"), "model_failed");
  EXPECT_FALSE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
}

TEST_F(contract_errors_test, says_503_when_no_entity_is_left) {
  auto response = post("/api/v1/idle/call", chat_body("x"));
  expect_error(response, 503, "model_not_active");
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
}

} // namespace
} // namespace model_server
