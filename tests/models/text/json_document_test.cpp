// Checks documents whose long values are left out.
#include "models/text/json_document.hpp"

#include "models/text/json_events.hpp"
#include "models/text/json_node.hpp"
#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view words[] = {"model.words"};
constexpr std::string_view all[] = {""};

/// The events of a value, `2 text a` say.
std::vector<std::string> events_of(std::string_view text) {
  constexpr const char* names[] = {"{",   "}",    "[",      "]",
                                   "key", "text", "number", "other"};
  std::vector<std::string> result;
  visit_json(text, [&](const json_event& event) {
    auto& line = result.emplace_back(fmt::format(
        "{} {}", event.depth, names[static_cast<std::size_t>(event.is)]));
    if (event.is == json_event::kind::number)
      line += fmt::format(" {}", event.real());
    else if (!event.text.empty())
      line += fmt::format(" {}", event.text);
  });
  return result;
}

std::string refusal(const std::string& text,
                    std::span<const std::string_view> left_out) {
  return testing::error_of([&] { json_document{text, "file", left_out}; });
}

TEST(json_document_test, a_value_is_left_out_and_the_rest_is_there) {
  std::string text = R"({"words": 1, "model" : {"a": [2], "words" :
      {"b": 3, "c": ["dd", {"e": null}]}, "f": true}, "g": {"words": 4}})";
  json_document document{text, "file", words};
  json_node root{document.root(), "file"};
  EXPECT_EQ(root.get("words").integer(), 1);
  auto model = root.get("model");
  EXPECT_EQ(model.get("a").items()[0].integer(), 2);
  EXPECT_TRUE(model.get("f").boolean());
  EXPECT_EQ(root.get("g").get("words").integer(), 4);
  auto found = model.get("words").left_out_object();
  EXPECT_THAT(std::string{found.text}, StartsWith(R"({"b": 3, "c")"));
  EXPECT_EQ(found.items, 2u);
  EXPECT_EQ(found.letters, 5u);
  EXPECT_THAT(events_of(found.text),
              ElementsAre("0 {", "1 key b", "1 number 3", "1 key c", "1 [",
                          "2 text dd", "2 {", "3 key e", "3 other", "2 }",
                          "1 ]", "0 }"));
}

TEST(json_document_test, the_whole_may_be_left_out) {
  std::string text = "\n [\"a\\n\", 1e3, [], 9223372036854775808] ";
  json_document document{text, "file", all};
  json_node root{document.root(), "file"};
  auto found = root.left_out_list();
  EXPECT_EQ(found.items, 4u);
  EXPECT_THAT(events_of(found.text),
              ElementsAre("0 [", "1 text a\n", "1 number 1000", "1 [", "1 ]",
                          "1 number 9.223372036854776e+18", "0 ]"));
  EXPECT_THROW(root.left_out_object(), std::runtime_error);
}

TEST(json_document_test, what_is_left_out_may_be_of_any_kind) {
  for (auto* value : {"5", "\"x\"", "false"}) {
    auto text = fmt::format(R"({{"model": {{"words": {}, "a": 1}}}})", value);
    json_document document{text, "file", words};
    auto model = json_node{document.root(), "file"}.get("model");
    EXPECT_FALSE(model.get("words").is_left_out_list());
    EXPECT_THROW(model.get("words").left_out_object(), std::runtime_error);
    EXPECT_EQ(model.get("a").integer(), 1);
  }
  std::string text = R"({"model": {"words": null, "words2": 1}})";
  json_document document{text, "file", words};
  auto model = json_node{document.root(), "file"}.get("model");
  EXPECT_FALSE(model.find("words"));
  EXPECT_EQ(model.get("words2").integer(), 1);
}

TEST(json_document_test, what_is_left_out_must_be_json) {
  for (auto* value : {"{", "[1,]", "1e999", "[1e999]", "\"", "nul", ""})
    EXPECT_THAT(
        refusal(fmt::format(R"({{"model": {{"words": {}}}}})", value), words),
        HasSubstr("file: is not JSON"))
        << value;
  EXPECT_THAT(refusal("null", all), "");
  std::string text = "null";
  json_document document{text, "file", all};
  EXPECT_THROW((json_node{document.root(), "file"}.left_out_object()),
               std::runtime_error);
}

// A value of two bytes takes sixteen.
TEST(json_document_test, other_values_are_limited) {
  std::string zeros = "[0";
  for (int i = 0; i < 100'000; ++i)
    zeros += ",0";
  zeros += "]";
  EXPECT_THAT(refusal(R"({"a": )" + zeros + "}", words),
              "file: has over 78036 values beside its tokens");
  EXPECT_EQ(refusal(R"({"model": {"words": )" + zeros + "}}", words),
            "");
  EXPECT_NO_THROW((json_document{zeros, "file"}));
  // What stands for a value that is left out counts, too.
  std::string again = R"({"model": {"words": 0)";
  for (int i = 0; i < 30'000; ++i)
    again += R"(,"words":0)";
  EXPECT_THAT(refusal(again + "}}", words),
              HasSubstr("values beside its tokens"));
}

} // namespace
} // namespace model_server
