// Checks the values of templates: keys, depth, JSON.
#include "models/text/template_value.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace model_server {
namespace {

using value = template_value;

TEST(template_value_test, a_dict_keeps_its_order_and_replaces) {
  template_dict dict;
  for (int i = 0; i < 100; ++i)
    dict.set("key" + std::to_string(i), value::integer(i));
  dict.set("key7", value::integer(-7));
  ASSERT_EQ(dict.size(), 100u);
  EXPECT_EQ(*dict.find("key7")->as_integer(), -7);
  EXPECT_EQ(dict.entries()[7].first.as_text()->bytes(), "key7");
  EXPECT_EQ(dict.find("key100"), nullptr);
}

TEST(template_value_test, equal_keys_are_one) {
  template_dict dict;
  dict.set(value::integer(1), value::none());
  EXPECT_NE(dict.find(value::real(1.0)), nullptr);
  EXPECT_NE(dict.find(value::boolean(true)), nullptr);
  EXPECT_EQ(dict.find("1"), nullptr);
  EXPECT_EQ(dict.find(value::none()), nullptr);
  EXPECT_FALSE(dict.set(value::list({}), value::none()));
}

TEST(template_value_test, depth_is_limited) {
  auto nested = value::list({});
  for (std::size_t i = 1; i < value::max_depth; ++i)
    nested = value::list({nested});
  EXPECT_THROW(value::list({nested}), std::runtime_error);
  template_dict dict;
  EXPECT_THROW(dict.set("a", nested), std::runtime_error);
}

TEST(template_value_test, reads_json) {
  auto json = template_value_from_json(
      R"({"b":[1,2.5,true,null,"x\u00e9"],"a":{}})", false);
  auto& items = json.as_dict()->find("b")->as_list()->items;
  EXPECT_EQ(*items[0].as_integer(), 1);
  EXPECT_EQ(*items[1].as_real(), 2.5);
  EXPECT_TRUE(*items[2].as_boolean());
  EXPECT_TRUE(items[3].is_none());
  EXPECT_EQ(items[4].as_text()->bytes(), "x\u00E9");
  EXPECT_FALSE(items[4].as_text()->is_trusted_at(0));
  EXPECT_EQ(json.as_dict()->entries()[0].first.as_text()->bytes(), "b");
}

TEST(template_value_test, refuses_hostile_json) {
  std::string deep(100'000, '[');
  EXPECT_THROW(template_value_from_json(deep, false), std::runtime_error);
  EXPECT_THROW(template_value_from_json("{}x", false), std::runtime_error);
  EXPECT_THROW(template_value_from_json("\"\\udc00\"", false),
               std::runtime_error);
  EXPECT_THROW(template_value_from_json("\"\xFF\"", false), std::runtime_error);
  EXPECT_THROW(template_value_from_json(std::string{"{}\0 x", 5}, false),
               std::runtime_error);
}

} // namespace
} // namespace model_server
