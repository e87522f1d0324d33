// Where a token may go, and where redirects lead.
#include "http/client/url.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(url_test, tells_origins_apart) {
  auto hub = origin_of("https://hub.example/org/name");
  EXPECT_EQ(hub, "https://hub.example:443");
  EXPECT_EQ(origin_of("https://HUB.example:443/else?x=1"), hub);
  for (auto other :
       {"http://hub.example/", "https://hub.example:8443/",
        "https://cdn.hub.example/", "https://hub.example.evil/",
        "https://hub.example@evil/", "https://evil/https://hub.example/"})
    EXPECT_NE(origin_of(other), hub) << other;
}

TEST(url_test, knows_nothing_but_http) {
  for (auto bad : {"file:///etc/passwd", "ftp://host/", "host", "http://", ""})
    EXPECT_NE(error_of([&] { origin_of(bad); }), "") << bad;
}

TEST(url_test, follows_locations) {
  EXPECT_EQ(resolve_location("https://a/b/c?d", "/e"), "https://a/e");
  EXPECT_EQ(resolve_location("https://a/b/c", "e?f=%20"),
            "https://a/b/e?f=%20");
  EXPECT_EQ(resolve_location("http://a/b", "https://c:1/d"), "https://c:1/d");
  EXPECT_EQ(resolve_location("https://a/b", "//c/d"), "https://c/d");
}

TEST(url_test, does_not_leave_tls_or_http) {
  EXPECT_THAT(error_of([] { resolve_location("https://a/b", "http://a/b"); }),
              HasSubstr("from https to http"));
  EXPECT_NE(error_of([] { resolve_location("https://a/b", "file:///etc/x"); }),
            "");
}

TEST(url_test, escapes_parts) {
  EXPECT_EQ(escaped_part("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(escaped_path("org/a b?#%.json"), "org/a%20b%3F%23%25.json");
}

} // namespace
} // namespace model_server
