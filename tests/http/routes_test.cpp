// Which address leads where.
#include "http/routes.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace model_server {
namespace {

route_match found(std::string_view method, std::string_view target) {
  auto result = find_route(method, target);
  if (auto* error = std::get_if<error_reply>(&result)) {
    ADD_FAILURE() << target << ": " << error->message;
    return {};
  }
  return std::get<route_match>(result);
}

error_reply refused(std::string_view method, std::string_view target) {
  auto result = find_route(method, target);
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << target << " leads somewhere";
  return {};
}

TEST(routes_test, finds_every_line_of_the_table) {
  for (const auto& line : route_table()) {
    std::string target{line.path};
    auto mark = target.find('{');
    auto has_name = mark != std::string::npos;
    if (has_name)
      target.replace(mark, target.find('}') + 1 - mark, "some/name");
    EXPECT_EQ(found(line.method, target),
              (route_match{line.leads_to, has_name ? "some/name" : "",
                           line.needs}));
  }
}

TEST(routes_test, opens_to_everybody_what_tells_nothing_and_no_more) {
  std::set<std::string_view> open;
  std::set<std::string_view> for_calls;
  for (const auto& line : route_table()) {
    if (line.needs == route_access::open)
      open.insert(line.path);
    else if (line.needs == route_access::call)
      for_calls.insert(line.path);
    else
      EXPECT_TRUE(line.path.starts_with("/api/v1/")
                  || line.needs == route_access::metrics)
          << line.path;
  }
  EXPECT_EQ(open,
            (std::set<std::string_view>{"/", "/health", "/health/live",
                                        "/health/ready", "/openapi.json",
                                        "/page/{file}"}));
  EXPECT_EQ(for_calls, (std::set<std::string_view>{
                           "/api/v1/{model}/call", "/v1/chat/completions",
                           "/v1/completions", "/v1/embeddings", "/v1/models",
                           "/v1/models/{model}", "/tokenize", "/detokenize"}));
}

TEST(routes_test, takes_slashes_and_escapes_in_model_names) {
  EXPECT_EQ(found("POST", "/api/v1/org/sub/m/call").name, "org/sub/m");
  EXPECT_EQ(found("POST", "/api/v1/org%2Fm/call").name, "org/m");
  EXPECT_EQ(found("POST", "/api/v1/a%3ab/call").name, "a:b");
  EXPECT_EQ(found("POST", "/api/v1/call/call").name, "call");
  EXPECT_EQ(found("POST", "/api/v1/m/add/remove"),
            (route_match{endpoint::remove, "m/add"}));
  EXPECT_EQ(found("POST", "/api/v1/%00/call").name, std::string(1, '\0'));
}

TEST(routes_test, keeps_stories_apart_from_models) {
  EXPECT_EQ(found("GET", "/api/v1/requests/call-1"),
            (route_match{endpoint::story, "call-1", route_access::admin}));
  EXPECT_EQ(found("POST", "/api/v1/requests/m/call"),
            (route_match{endpoint::call, "requests/m", route_access::call}));
  EXPECT_EQ(refused("POST", "/api/v1/requests/call-1").allow, "GET, HEAD");
}

TEST(routes_test, ignores_the_query_and_the_host) {
  EXPECT_EQ(found("POST", "/api/v1/m/call?x=/y").name, "m");
  EXPECT_EQ(found("GET", "http://host:1/health/live").leads_to, endpoint::live);
  EXPECT_EQ(found("GET", "http://host").leads_to, endpoint::page);
  EXPECT_EQ(found("GET", "/?x").leads_to, endpoint::page);
}

TEST(routes_test, takes_the_status_with_and_without_its_last_slash) {
  EXPECT_EQ(found("GET", "/api/v1").leads_to, endpoint::status);
  EXPECT_EQ(found("POST", "/api/v1/").leads_to, endpoint::status);
  EXPECT_EQ(refused("GET", "/health/live/").status, 404u);
}

TEST(routes_test, knows_no_other_address) {
  for (auto target :
       {"/page", "/page/", "/api", "/api/v2/", "/api/v1/call", "/api/v1//call",
        "/api/v1/m/call/", "/api/v1/m/frobnicate", "//api/v1/", "*",
        "/api/v1/../health/live", "/%2e%2e/health", "/health%2flive"}) {
    auto error = refused("GET", target);
    EXPECT_EQ(error.status, 404u) << target;
    EXPECT_EQ(error.code, "unknown_url") << target;
  }
}

TEST(routes_test, names_the_methods_of_an_address) {
  auto call = refused("GET", "/api/v1/m/call");
  EXPECT_EQ(call.status, 405u);
  EXPECT_EQ(call.code, "method_not_allowed");
  EXPECT_EQ(call.allow, "POST");
  EXPECT_EQ(refused("DELETE", "/api/v1/").allow, "GET, HEAD, POST");
  EXPECT_EQ(refused("TRACE", "/health").allow, "GET, HEAD");
}

TEST(routes_test, leads_head_where_get_goes) {
  EXPECT_EQ(found("HEAD", "/health").leads_to, endpoint::ready);
  EXPECT_EQ(refused("HEAD", "/api/v1/m/call").allow, "POST");
}

TEST(routes_test, refuses_broken_escapes) {
  for (auto target :
       {"/api/v1/%zz/call", "/api/v1/%4/call", "/api/v1/%/call"}) {
    auto error = refused("POST", target);
    EXPECT_EQ(error.status, 400u) << target;
    EXPECT_EQ(error.code, "invalid_path") << target;
  }
}

} // namespace
} // namespace model_server
