// The description of the routes describes exactly the routes.
#include "http/openapi.hpp"

#include "http/json.hpp"
#include "http/routes.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace model_server {
namespace {

using operation = std::pair<std::string, std::string>;

struct openapi_test : testing::Test {
  void SetUp() override {
    auto error = parse_json(openapi_json(), document);
    ASSERT_FALSE(error) << error->message;
  }

  rapidjson::Document document;
};

TEST_F(openapi_test, has_every_route_and_no_other) {
  std::set<operation> described;
  for (const auto& path : document["paths"].GetObject())
    for (const auto& method : path.value.GetObject()) {
      std::string name = method.name.GetString();
      if (name == "parameters")
        continue;
      for (auto& c : name)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      described.emplace(name, path.name.GetString());
    }
  std::set<operation> routed;
  for (const auto& line : route_table())
    routed.emplace(line.method, line.path);
  EXPECT_EQ(described, routed);
}

TEST_F(openapi_test, refers_to_nothing_that_is_not_there) {
  std::function<void(const rapidjson::Value&)> check =
      [&](const rapidjson::Value& value) {
        if (value.IsArray())
          for (const auto& each : value.GetArray())
            check(each);
        if (!value.IsObject())
          return;
        for (const auto& member : value.GetObject()) {
          if (std::string_view{member.name.GetString()} != "$ref") {
            check(member.value);
            continue;
          }
          const rapidjson::Value* at = &document;
          std::string target = member.value.GetString();
          ASSERT_TRUE(target.starts_with("#/"));
          for (std::size_t begin = 2; begin <= target.size();) {
            auto end = std::min(target.find('/', begin), target.size());
            auto key = target.substr(begin, end - begin);
            ASSERT_TRUE(at->HasMember(key)) << target;
            at = &(*at)[key];
            begin = end + 1;
          }
        }
      };
  check(document);
}

} // namespace
} // namespace model_server
