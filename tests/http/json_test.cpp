// What counts as JSON, and what is said of what doesn't.
#include "http/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace model_server {
namespace {

std::string code_of(std::string_view text, json_limits limits = {}) {
  rapidjson::Document document;
  auto error = parse_json(text, document, limits);
  return error ? error->code : "ok";
}

std::string message_of(std::string_view text) {
  rapidjson::Document document;
  auto error = parse_json(text, document);
  return error ? error->message : "";
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

double number_of(std::string_view text) {
  rapidjson::Document document;
  EXPECT_FALSE(parse_json(text, document));
  return document["a"].GetDouble();
}

struct json_case {
  std::string text;
  std::string code;
};

class json_table : public testing::TestWithParam<json_case> {};

TEST_P(json_table, has_its_code) {
  EXPECT_EQ(code_of(GetParam().text), GetParam().code) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    syntax, json_table,
    testing::Values(
        json_case{"{}", "ok"}, json_case{" {\"a\":[1,2.5,-3e2,null]} ", "ok"},
        json_case{"\"x\"", "ok"}, json_case{"", "invalid_json"},
        json_case{"   ", "invalid_json"}, json_case{"{", "invalid_json"},
        json_case{"{\"a\":1,}", "invalid_json"},
        json_case{"{\"a\":1 /* no */}", "invalid_json"},
        json_case{"{'a':1}", "invalid_json"}, json_case{"01", "invalid_json"},
        json_case{"+1", "invalid_json"}, json_case{".5", "invalid_json"},
        json_case{"{} x", "invalid_json"}, json_case{"{}{}", "invalid_json"},
        json_case{std::string("{}\0garbage", 10), "invalid_json"},
        json_case{std::string("{}\0", 3), "invalid_json"},
        json_case{std::string("{\"a\":\"\0\"}", 9), "invalid_json"},
        json_case{"\xEF\xBB\xBF{}", "invalid_json"},
        json_case{"NaN", "invalid_json"}, json_case{"Infinity", "invalid_json"},
        json_case{"1e999", "invalid_json"},
        json_case{"\"\x01\"", "invalid_json"},
        json_case{"\"\n\"", "invalid_json"}));

INSTANTIATE_TEST_SUITE_P(
    encoding, json_table,
    testing::Values(json_case{"\"h\xC3\xA9\"", "ok"},
                    json_case{"\"\xF0\x9F\x98\x80\"", "ok"},
                    json_case{"\"\\ud83d\\ude00\"", "ok"},
                    json_case{"\"\\u0000\"", "ok"},
                    json_case{"\"\xFF\"", "invalid_utf8"},
                    json_case{"\"\xC0\xAF\"", "invalid_utf8"},
                    json_case{"\"\xED\xA0\x80\"", "invalid_utf8"},
                    json_case{"\"\xF4\x90\x80\x80\"", "invalid_utf8"},
                    json_case{"\"\xC3\"", "invalid_utf8"},
                    json_case{"{\"\xFF\":1}", "invalid_utf8"},
                    json_case{"\"\\ud800\"", "invalid_json"},
                    json_case{"\"\\ude00\\ud83d\"", "invalid_json"}));

INSTANTIATE_TEST_SUITE_P(
    duplicates, json_table,
    testing::Values(json_case{"{\"a\":1,\"b\":2}", "ok"},
                    json_case{"{\"a\":1,\"a\":1}", "duplicate_key"},
                    json_case{"{\"a\":1,\"\\u0061\":2}", "duplicate_key"},
                    json_case{"{\"x\":[{\"a\":1,\"a\":1}]}", "duplicate_key"},
                    json_case{"[{\"a\":1},{\"a\":1}]", "ok"}));

TEST(json_test, takes_64_levels_and_no_more) {
  EXPECT_EQ(code_of(nested(64)), "ok");
  EXPECT_EQ(code_of(nested(65)), "too_deep");
  EXPECT_EQ(code_of(nested(4'000'000)), "too_deep");
  EXPECT_EQ(code_of(std::string(4'000'000, '[')), "too_deep");
}

TEST(json_test, names_the_limit_of_members) {
  std::string text = "{\"k0\":0";
  for (int i = 1; i < 2000; ++i)
    text += ",\"k" + std::to_string(i) + "\":0";
  EXPECT_EQ(message_of(text + "}"),
            "an object has 1025 members or more, the limit is 1024");
}

TEST(json_test, counts_members_and_values) {
  json_limits limits{.depth = 4, .members = 3, .values = 6};
  EXPECT_EQ(code_of("{\"a\":1,\"b\":1,\"c\":1}", limits), "ok");
  EXPECT_EQ(code_of("{\"a\":1,\"b\":1,\"c\":1,\"d\":1}", limits),
            "too_many_values");
  EXPECT_EQ(code_of("[1,2,3,4,5]", limits), "ok");
  EXPECT_EQ(code_of("[1,2,3,4,5,6]", limits), "too_many_values");
  EXPECT_EQ(code_of("[{\"a\":1,\"b\":1},{\"c\":1,\"d\":1}]", limits),
            "too_many_values");
}

TEST(json_test, says_where_it_goes_wrong) {
  EXPECT_EQ(message_of("{\"a\":tru}"), "the body is not JSON at byte 8: "
                                       "Invalid value");
  EXPECT_NE(message_of("{\"a\":\"\xFF\"}").find("byte"), std::string::npos);
}

TEST(json_test, names_the_place_of_a_key_that_is_there_twice) {
  rapidjson::Document document;
  auto error =
      parse_json(R"({"a":1,"list":[0,{"deep":{"x":1,"x":2}}]})", document);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->param, "list[1].deep.x");
}

TEST(json_test, a_number_is_what_it_says) {
  EXPECT_EQ(number_of("{\"a\":0.00000000000000000000000000000000}"), 0.0);
  EXPECT_EQ(number_of("{\"a\":0.1}"), 0.1);
  EXPECT_EQ(message_of("[10e308]"),
            "the body has a number beyond 1.8e308: \"10e308\"");
}

TEST(json_test, writes_null_for_what_json_has_no_number_for) {
  json_text out;
  out.begin_list();
  out.number(std::numeric_limits<double>::quiet_NaN());
  out.number(std::numeric_limits<double>::infinity());
  out.number(0.5).number(std::uint64_t{1} << 60);
  out.end_list();
  EXPECT_EQ(out.str(), "[null,null,0.5,1152921504606846976]");
}

TEST(json_test, escapes_what_it_writes) {
  json_text out;
  out.begin_object().key("a\"b").text("x\ny\\").key("").text({}).end_object();
  EXPECT_EQ(out.str(), R"({"a\"b":"x\ny\\","":""})");
}

} // namespace
} // namespace model_server
