// The strict reading of requests: what passes, what is refused, and that it
// doesn't matter how the bytes are cut.
#include "http/request_guard.hpp"

#include <gtest/gtest.h>

#include <string>

namespace model_server {
namespace {

/// What the guard makes of bytes that come in pieces of one size.
struct verdict {
  unsigned status = 0;
  std::string code;
  bool is_complete = false;
  std::string approved;
  std::size_t taken = 0;

  friend bool operator==(const verdict&, const verdict&) = default;
};

verdict judge(std::string_view bytes, std::size_t piece = 1 << 20,
              request_limits limits = {}) {
  request_guard guard{limits};
  verdict result;
  while (result.taken < bytes.size()) {
    auto part = bytes.substr(result.taken, piece);
    auto taken = guard.feed(part, result.approved);
    result.taken += taken;
    if (taken < part.size() || guard.refusal() || guard.is_complete())
      break;
  }
  result.is_complete = guard.is_complete();
  if (guard.refusal()) {
    result.status = guard.refusal()->status;
    result.code = guard.refusal()->code;
  }
  return result;
}

std::string request(std::string_view fields, std::string_view body = {}) {
  std::string result = "POST /x HTTP/1.1\r\nHost: a\r\n";
  return result.append(fields).append("\r\n").append(body);
}

struct guard_case {
  std::string bytes;
  /// 0 for a complete request, 1 for one that has not come to its end.
  unsigned status;
  std::string code = {};
};

std::string message_of(std::string_view bytes) {
  request_guard guard;
  std::string approved;
  guard.feed(bytes, approved);
  return guard.refusal() ? guard.refusal()->message : "";
}

TEST(request_guard_test, names_what_is_wrong_and_what_is_right) {
  EXPECT_EQ(message_of("FOO / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "the method \"FOO\" is unknown; known are GET, POST, HEAD, PUT, "
            "PATCH, DELETE, OPTIONS, TRACE, CONNECT");
  EXPECT_EQ(message_of(request("Content-Length: 1e3\r\n")),
            "Content-Length is \"1e3\", not a number of bytes up to 4194304");
  EXPECT_EQ(message_of(request("Transfer-Encoding: chunked\r\n", "zz\r\n")),
            "a chunk's size is \"zz\", not a hexadecimal number of 1 to 16 "
            "digits");
}

class guard_table : public testing::TestWithParam<guard_case> {};

TEST_P(guard_table, has_its_status) {
  const auto& [bytes, status, code] = GetParam();
  auto result = judge(bytes);
  EXPECT_EQ(result.status, status == 1 ? 0 : status) << bytes;
  EXPECT_EQ(result.code, code) << bytes;
  EXPECT_EQ(result.is_complete, status == 0) << bytes;
}

TEST_P(guard_table, does_not_care_how_the_bytes_come) {
  const auto& bytes = GetParam().bytes;
  auto whole = judge(bytes);
  for (std::size_t piece : {1, 2, 3, 7}) {
    auto cut = judge(bytes, piece);
    // What follows a refused or complete request is not taken either way.
    EXPECT_EQ(cut.status, whole.status) << bytes;
    EXPECT_EQ(cut.code, whole.code) << bytes;
    EXPECT_EQ(cut.is_complete, whole.is_complete) << bytes;
    if (whole.is_complete) {
      EXPECT_EQ(cut.approved, whole.approved) << bytes;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    good, guard_table,
    testing::Values(
        guard_case{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        guard_case{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        guard_case{"GET / HTTP/1.0\r\n\r\n", 0},
        guard_case{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        guard_case{"GET http://a:1/x HTTP/1.1\r\nHost: A:1\r\n\r\n", 0},
        guard_case{request("Content-Length: 3\r\n", "abc"), 0},
        guard_case{request("Content-Length: 0\r\n"), 0},
        guard_case{request("Transfer-Encoding: Chunked\r\n",
                           "3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n"),
                   0},
        guard_case{
            request("Expect: 100-Continue\r\nContent-Length: 1\r\n", "x"), 0},
        guard_case{request("Content-Encoding: identity\r\n"), 0},
        guard_case{request("X: \x80\xFF\r\n"), 0},
        guard_case{request("X:\r\n"), 0}));

INSTANTIATE_TEST_SUITE_P(
    unfinished, guard_table,
    testing::Values(guard_case{"GET / HTTP/1.1\r\nHost: a\r\n", 1},
                    guard_case{"GE", 1}, guard_case{"\r\n", 1},
                    guard_case{"\r", 1},
                    guard_case{request("Content-Length: 4\r\n", "abc"), 1},
                    guard_case{request("Transfer-Encoding: chunked\r\n",
                                       "3\r\nabc\r\n0\r\n"),
                               1}));

INSTANTIATE_TEST_SUITE_P(
    request_lines, guard_table,
    testing::Values(
        guard_case{"\x16\x03\x01\x02\x00\x01", 400, "bad_http"},
        guard_case{"\xFF\xFE random bytes", 400, "bad_http"},
        guard_case{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"},
        guard_case{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version"},
        guard_case{"GET / HTTP/1.9\r\nHost: a\r\n\r\n", 505, "http_version"},
        guard_case{"GET /\r\n", 400, "bad_http"},
        guard_case{"GET / HTTP/11\r\n\r\n", 400, "bad_http"},
        guard_case{"GET / http/1.1\r\n\r\n", 400, "bad_http"},
        guard_case{"GET  / HTTP/1.1\r\n\r\n", 400, "bad_http"},
        guard_case{"GET / x HTTP/1.1\r\n\r\n", 400, "bad_http"},
        guard_case{" GET / HTTP/1.1\r\n\r\n", 400, "bad_http"},
        guard_case{"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_http"},
        guard_case{"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_http"},
        guard_case{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405,
                   "method_not_allowed"},
        guard_case{"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_http"},
        guard_case{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_http"},
        guard_case{"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400,
                   "bad_http"},
        guard_case{"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_http"}));

INSTANTIATE_TEST_SUITE_P(
    fields, guard_table,
    testing::Values(
        guard_case{"GET / HTTP/1.1\r\n\r\n", 400, "bad_http"},
        guard_case{request("Host: a\r\n"), 400, "bad_http"},
        guard_case{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "bad_http"},
        guard_case{"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "bad_http"},
        guard_case{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_http"},
        guard_case{request("X: y\r\n z\r\n"), 400, "bad_http"},
        guard_case{request("no colon\r\n"), 400, "bad_http"},
        guard_case{request(": nameless\r\n"), 400, "bad_http"},
        guard_case{request("X y: z\r\n"), 400, "bad_http"},
        guard_case{request("X: y\n"), 400, "bad_http"},
        guard_case{"GET / HTTP/1.1\nHost: a\n\n", 400, "bad_http"},
        guard_case{request("X: a\rb\r\n"), 400, "bad_http"},
        guard_case{request(std::string("X: a\0b\r\n", 8)), 400, "bad_http"},
        guard_case{request("X: a\x01\r\n"), 400, "bad_http"},
        guard_case{request("Expect: other\r\n"), 417, "expectation_failed"},
        guard_case{request("Content-Encoding: gzip\r\n"), 415,
                   "unsupported_encoding"}));

INSTANTIATE_TEST_SUITE_P(
    lengths, guard_table,
    testing::Values(
        guard_case{request("Content-Length: -1\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length: +5\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length: 5,5\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length: 0x5\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length:\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length: 5 5\r\n"), 400, "bad_http"},
        guard_case{request("Content-Length: 1\r\nContent-Length: 1\r\n"), 400,
                   "bad_http"},
        guard_case{request("Content-Length: 1\r\nContent-Length: 2\r\n"), 400,
                   "bad_http"},
        guard_case{request("Content-Length: 4194305\r\n"), 413,
                   "request_too_large"},
        guard_case{request("Content-Length: 1099511627776\r\n"), 413,
                   "request_too_large"},
        guard_case{request("Content-Length: 9223372036854775808\r\n"), 413,
                   "request_too_large"},
        guard_case{request("Content-Length: 18446744073709551616\r\n"), 413,
                   "request_too_large"},
        guard_case{
            request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400,
            "bad_http"},
        guard_case{
            request("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400,
            "bad_http"}));

INSTANTIATE_TEST_SUITE_P(
    chunks, guard_table,
    testing::Values(
        guard_case{request("Transfer-Encoding: xchunked\r\n"), 400, "bad_http"},
        guard_case{request("Transfer-Encoding: identity\r\n"), 400, "bad_http"},
        guard_case{request("Transfer-Encoding: gzip, chunked\r\n"), 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n"
                           "Transfer-Encoding: chunked\r\n"),
                   400, "bad_http"},
        guard_case{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "0x5\r\n"), 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "-1\r\n"), 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "\r\n"), 400,
                   "bad_http"},
        guard_case{
            request("Transfer-Encoding: chunked\r\n", "00000000000000001\r\n"),
            400, "bad_http"},
        guard_case{
            request("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n"),
            413, "request_too_large"},
        guard_case{request("Transfer-Encoding: chunked\r\n",
                           "3;a\nb\r\nabc\r\n0\r\n\r\n"),
                   400, "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n",
                           "3;" + std::string(300, 'e') + "\r\nabc\r\n"),
                   400, "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "3\nabc\r\n"), 400,
                   "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n"),
                   400, "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n",
                           "0\r\nContent-Length: 5\r\n\r\n"),
                   400, "bad_http"},
        guard_case{request("Transfer-Encoding: chunked\r\n",
                           "0\r\nAuthorization: x\r\n\r\n"),
                   400, "bad_http"}));

TEST(request_guard_test, holds_the_head_back_until_it_is_right) {
  request_guard guard;
  std::string approved;
  guard.feed("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n", approved);
  EXPECT_TRUE(approved.empty());
  EXPECT_TRUE(guard.has_begun());
  guard.feed("\r\nab", approved);
  EXPECT_TRUE(approved.ends_with("\r\n\r\nab"));
  EXPECT_FALSE(guard.is_complete());
}

TEST(request_guard_test, stops_at_the_end_of_a_request) {
  std::string first = request("Content-Length: 3\r\n", "abc");
  auto result = judge(first + "GET / HTTP/1.1\r\n");
  EXPECT_TRUE(result.is_complete);
  EXPECT_EQ(result.taken, first.size());
  EXPECT_EQ(result.approved, first);
}

TEST(request_guard_test, reads_the_next_request_afresh) {
  request_guard guard;
  std::string approved;
  guard.feed(request("X-Request-Id: one\r\n"), approved);
  EXPECT_EQ(guard.request_id(), "one");
  guard.next();
  EXPECT_FALSE(guard.has_begun());
  EXPECT_TRUE(guard.request_id().empty());
  guard.feed("GET / HTTP/1.0\r\n\r\n", approved);
  EXPECT_TRUE(guard.is_complete());
  EXPECT_FALSE(guard.is_http_1_1());
}

TEST(request_guard_test, keeps_a_valid_request_id_only) {
  for (auto [value, kept] : {std::pair{"ok-1.2_3:4", "ok-1.2_3:4"},
                             {"a b", ""},
                             {"", ""},
                             {"\xC3\xA9", ""}}) {
    request_guard guard;
    std::string approved;
    guard.feed(request("x-request-id: " + std::string{value} + "\r\n"),
               approved);
    EXPECT_EQ(guard.request_id(), kept);
  }
}

TEST(request_guard_test, drops_the_wish_for_another_protocol) {
  auto result =
      judge(request("Connection: Upgrade\r\nUpgrade: h2c\r\nX: y\r\n"));
  EXPECT_TRUE(result.is_complete);
  EXPECT_EQ(result.approved, request("Connection: Upgrade\r\nX: y\r\n"));
}

TEST(request_guard_test, tells_once_that_the_client_waits) {
  request_guard guard;
  std::string approved;
  guard.feed(request("Expect: 100-continue\r\nContent-Length: 2\r\n"),
             approved);
  EXPECT_TRUE(guard.takes_continue());
  EXPECT_FALSE(guard.takes_continue());
  EXPECT_FALSE(judge(request("Expect: 100-continue\r\nContent-Length: 5000000"
                             "\r\n"))
                   .is_complete);
}

// Limits at limit - 1, limit, limit + 1.

TEST(request_guard_test, limits_the_address) {
  auto bytes = [](std::size_t size) {
    return "GET /" + std::string(size - 1, 'a')
           + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_TRUE(judge(bytes(8191)).is_complete);
  EXPECT_TRUE(judge(bytes(8192)).is_complete);
  EXPECT_EQ(judge(bytes(8193)).status, 414u);
  EXPECT_EQ(judge("GET /" + std::string(100'000, 'a')).status, 414u);
}

TEST(request_guard_test, limits_the_fields) {
  auto value = [](std::size_t size) {
    return request("X: " + std::string(size, 'v') + "\r\n");
  };
  EXPECT_TRUE(judge(value(8192)).is_complete);
  EXPECT_EQ(judge(value(8193)).status, 431u);
  auto name = [](std::size_t size) {
    return request(std::string(size, 'n') + ": v\r\n");
  };
  EXPECT_TRUE(judge(name(256)).is_complete);
  EXPECT_EQ(judge(name(257)).status, 431u);
  auto count = [](std::size_t fields) {
    std::string result;
    for (std::size_t i = 1; i < fields; ++i) // Host is one
      result += "X: y\r\n";
    return request(result);
  };
  EXPECT_TRUE(judge(count(100)).is_complete);
  EXPECT_EQ(judge(count(101)).status, 431u);
}

TEST(request_guard_test, limits_the_head) {
  std::string fields;
  for (int i = 0; i < 20; ++i)
    fields += "X: " + std::string(4000, 'v') + "\r\n";
  auto result = judge(request(fields));
  EXPECT_EQ(result.status, 431u);
  EXPECT_LE(result.taken, 65'536u + 1);
}

TEST(request_guard_test, limits_the_body) {
  request_limits limits;
  limits.body_bytes = 10;
  limits.chunks = 3;
  auto length = [&](int size) {
    return judge(request("Content-Length: " + std::to_string(size) + "\r\n",
                         std::string(static_cast<std::size_t>(size), 'b')),
                 1 << 20, limits);
  };
  EXPECT_TRUE(length(10).is_complete);
  EXPECT_EQ(length(11).status, 413u);
  auto chunked = [&](std::string body) {
    return judge(request("Transfer-Encoding: chunked\r\n", body + "0\r\n\r\n"),
                 1 << 20, limits);
  };
  EXPECT_TRUE(chunked("5\r\naaaaa\r\n5\r\naaaaa\r\n").is_complete);
  EXPECT_EQ(chunked("5\r\naaaaa\r\n6\r\naaaaaa\r\n").status, 413u);
  EXPECT_TRUE(chunked("1\r\na\r\n1\r\na\r\n1\r\na\r\n").is_complete);
  EXPECT_EQ(chunked("1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n").status, 413u);
}

} // namespace
} // namespace model_server
