// What browsers are told about pages of other origins.
#include "http/cors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

http_request request_of(
    std::string_view method,
    std::vector<std::pair<std::string_view, std::string_view>> fields = {}) {
  http_request result;
  result.method = method;
  result.fields = std::move(fields);
  return result;
}

http_request preflight_of(std::string_view headers) {
  return request_of("OPTIONS", {{"Origin", "https://a.example"},
                                {"Access-Control-Request-Method", "POST"},
                                {"Access-Control-Request-Headers", headers}});
}

TEST(cors_test, says_nothing_when_it_is_off) {
  cors_policy off{{}};
  EXPECT_FALSE(off.allows("https://a.example"));
  EXPECT_THAT(off.headers_for("https://a.example"), IsEmpty());
  EXPECT_THAT(off.headers_for(""), IsEmpty());
}

TEST(cors_test, names_the_origin_that_is_allowed) {
  cors_policy some{{"https://a.example", "http://localhost:3000"}};
  auto headers = some.headers_for("http://localhost:3000");
  EXPECT_THAT(headers, Contains(Pair("access-control-allow-origin",
                                     "http://localhost:3000")));
  EXPECT_THAT(headers, Contains(Pair("vary", "origin")));
  EXPECT_THAT(headers, Contains(Key("access-control-expose-headers")));
  EXPECT_THAT(headers, Not(Contains(Key("access-control-allow-credentials"))));
  // Caches must not give the answer to one to another.
  for (auto other : {"", "https://b.example", "https://a.example.b.example",
                     "http://a.example", "https://a.example:444", "null"})
    EXPECT_THAT(some.headers_for(other), ElementsAre(Pair("vary", "origin")))
        << other;
}

TEST(cors_test, allows_all_without_credentials) {
  cors_policy all{{"*"}};
  auto headers = all.headers_for("https://a.example");
  EXPECT_THAT(headers, Contains(Pair("access-control-allow-origin", "*")));
  EXPECT_THAT(headers, Not(Contains(Key("access-control-allow-credentials"))));
}

TEST(cors_test, knows_a_preflight) {
  EXPECT_TRUE(is_preflight(preflight_of("x")));
  auto request = preflight_of("x");
  request.method = "POST";
  EXPECT_FALSE(is_preflight(request));
  EXPECT_FALSE(is_preflight(request_of("OPTIONS")));
  EXPECT_FALSE(
      is_preflight(request_of("OPTIONS", {{"origin", "https://a.example"}})));
}

TEST(cors_test, lets_clients_send_the_fields_they_ask_for) {
  cors_policy some{{"https://a.example"}};
  auto allowed = [&](std::string_view asked) {
    auto response = some.preflight(preflight_of(asked));
    EXPECT_EQ(response.status, 200u);
    EXPECT_THAT(response.headers, Contains(Pair("access-control-allow-origin",
                                                "https://a.example")));
    EXPECT_THAT(response.headers, Contains(Pair("access-control-allow-methods",
                                                "GET, HEAD, POST")));
    for (const auto& [name, value] : response.headers)
      if (name == "access-control-allow-headers")
        return value;
    return std::string{};
  };
  // As OpenAI's client in a browser does.
  EXPECT_EQ(allowed("authorization,content-type,x-stainless-arch"),
            "authorization,content-type,x-stainless-arch");
  for (std::string odd : {std::string{}, std::string{"a b"}, std::string{"a,"},
                          std::string{"a\xC3\xA4"}, std::string(3000, 'x')})
    EXPECT_EQ(allowed(odd), "authorization, content-type, x-request-id");
}

TEST(cors_test, knows_the_pages_of_this_server) {
  auto is_own = [](std::string_view origin, std::string_view host,
                   std::string_view site = "") {
    return is_from_own_page(request_of(
        "POST",
        {{"origin", origin}, {"host", host}, {"sec-fetch-site", site}}));
  };
  EXPECT_TRUE(is_own("", "a:1")); // no page
  EXPECT_TRUE(is_own("http://a:1", "a:1"));
  EXPECT_TRUE(is_own("https://A.example", "a.example"));
  EXPECT_TRUE(is_own("https://outside", "127.0.0.1:9999", "same-origin"));
  EXPECT_FALSE(is_own("https://outside", "127.0.0.1:9999", "cross-site"));
  EXPECT_FALSE(is_own("http://a:2", "a:1"));
  EXPECT_FALSE(is_own("null", "null"));
  EXPECT_FALSE(is_own("http://", ""));
}

} // namespace
} // namespace model_server
