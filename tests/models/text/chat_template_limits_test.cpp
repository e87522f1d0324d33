// Checks that hostile templates end within their budgets.
#include "tests/models/text/template_cases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace model_server {
namespace {

using testing::HasSubstr;

class chat_template_limits_test : public testing::Test {
protected:
  void TearDown() override {
    // Whatever was tried, it ended soon.
    EXPECT_LT(std::chrono::steady_clock::now() - start_,
              std::chrono::seconds{60});
  }

private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

std::string repeated(const std::string& unit, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result += unit;
  return result;
}

TEST_F(chat_template_limits_test, ranges_are_limited) {
  EXPECT_THAT(render_error("{% for i in range(10**9) %}{% endfor %}"),
              HasSubstr("the limit is 100000"));
  EXPECT_THAT(render_error("{{ range(-9223372036854775807, "
                           "9223372036854775807) | length }}"),
              HasSubstr("the limit is 100000"));
}

TEST_F(chat_template_limits_test, the_last_of_a_range_may_be_the_largest) {
  EXPECT_EQ(render("{{ range(-9223372036854775807, 9223372036854775807, "
                   "4611686018427387904) | list }}"),
            "[-9223372036854775807, -4611686018427387903, 1, "
            "4611686018427387905]");
}

TEST_F(chat_template_limits_test, a_loop_that_is_over_is_empty) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% for i in range(9) %}"
                   "{% set ns.kept = loop %}{% endfor %}"
                   "{{ ns.kept.previtem is defined }}"
                   "{{ ns.kept.nextitem is defined }}"),
            "FalseFalse");
}

TEST_F(chat_template_limits_test, what_stands_between_is_counted_at_once) {
  // Whoever counts at the end comes to what cannot be put there.
  for (std::string made :
       {"''.join([s] * 9 + [1])", "l | tojson(separators=(s, ':'))",
        "l | tojson(indent=s)",
        "{1: 1, 2: 2, 3: 3, 4: 4, 5: x} | tojson(separators=(',', s))"})
    EXPECT_THAT(render_error("{% set s = 'x' * 10**6 %}"
                             "{% set l = [1] * 9 + [x] %}{{ "
                                 + made + " }}",
                             {}, {.max_made_bytes = 4'000'000}),
                HasSubstr("rendering makes over 4000000 bytes"))
        << made;
}

TEST_F(chat_template_limits_test, strings_are_limited) {
  // Bytes are the subject here, so time doesn't matter.
  template_limits limits;
  limits.max_time = std::chrono::minutes{1};
  auto error = [&](const char* source) {
    return render_error(source, {}, limits);
  };
  EXPECT_EQ(render("{{ ('ab' * 3) ~ ('' * 9) ~ ('x' * 0) ~ ('y' * -1) }}"),
            "ababab");
  EXPECT_THAT(error("{{ 'a' * 10**9 }}"),
              HasSubstr("repeated 1000000000 times"));
  EXPECT_THAT(error("{{ [1] * 10**9 }}"), HasSubstr("over"));
  EXPECT_THAT(error("{{ [] * 10**18 }}"), "");
  EXPECT_THAT(error("{% set a = 'a' * 10**6 %}"
                    "{{ a | replace('a', a) }}"),
              HasSubstr("over 16777216"));
  EXPECT_THAT(error("{% set ns = namespace(s='aaaaaaaa') %}"
                    "{% for i in range(60) %}"
                    "{% set ns.s = ns.s ~ ns.s %}{% endfor %}"),
              HasSubstr("the limit is 16777216"));
  EXPECT_THAT(error("{% for i in range(100000) %}"
                    "{{ 'aaaaaaaaaa' * 100 }}{% endfor %}"),
              HasSubstr("over 16777216 bytes"));
}

TEST_F(chat_template_limits_test, work_is_limited) {
  EXPECT_THAT(render_error("{% for i in range(99999) %}"
                           "{% for j in range(99999) %}{% endfor %}"
                           "{% endfor %}"),
              HasSubstr("rendering"));
  EXPECT_THAT(render_error("{% set a = 'a' * 10**6 %}"
                           "{% for i in range(99999) %}{{ 'b' in a }}"
                           "{% endfor %}"),
              HasSubstr("rendering takes"));
  EXPECT_THAT(render_error("{% set l = range(99999) | list %}"
                           "{% for i in l %}{% if -1 in l %}{% endif %}"
                           "{% endfor %}"),
              HasSubstr("rendering"));
  EXPECT_THAT(render_error("{{ 2 ** 10 ** 18 }}"), HasSubstr("64 bits"));
}

TEST_F(chat_template_limits_test, a_list_that_doubles_is_limited) {
  std::string doubling = "{% set ns = namespace(l=['x']) %}"
                         "{% for i in range(90) %}"
                         "{% set ns.l = [ns.l, ns.l] %}{% endfor %}";
  EXPECT_THAT(render_error(doubling + "{{ ns.l }}"), HasSubstr("rendering"));
  EXPECT_THAT(render_error(doubling + "{{ ns.l | tojson }}"),
              HasSubstr("rendering"));
  EXPECT_THAT(render_error(doubling + "{{ ns.l == [ns.l][0][:] }}"),
              HasSubstr("rendering"));
}

TEST_F(chat_template_limits_test, depth_is_limited) {
  EXPECT_THAT(render_error("{% set ns = namespace(l=[]) %}"
                           "{% for i in range(9999) %}"
                           "{% set ns.l = [ns.l] %}{% endfor %}"),
              HasSubstr("nested deeper than 100"));
  EXPECT_THAT(render_error("{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}"
                           "{{ m(0) }}"),
              HasSubstr("calls itself too deeply"));
  for (std::size_t times : {1'000, 60'000}) {
    EXPECT_THAT(render_error("{{ " + repeated("(", times) + "1"
                             + repeated(")", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ " + repeated("[", times) + "1"
                             + repeated("]", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ " + repeated("not ", times) + "1 }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ " + repeated("-", times) + "1 }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ 1" + repeated("+1", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ x" + repeated(".x", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ x" + repeated("|e", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error("{{ 1" + repeated(" if 1 else 1", times) + " }}"),
                HasSubstr("deeper"));
    EXPECT_THAT(render_error(repeated("{% if 1 %}", times)),
                HasSubstr("deeper"));
  }
  EXPECT_EQ(render("{{ " + repeated("(", 50) + "1" + repeated(")", 50) + " }}"),
            "1");
}

TEST_F(chat_template_limits_test, a_long_template_is_fine) {
  EXPECT_EQ(render(repeated("{% if 0 %}a{% elif 1 %}b{% endif %}", 5000)),
            repeated("b", 5000));
  EXPECT_EQ(render("{{ 1" + repeated("~1", 5000) + " }}"), repeated("1", 5001));
  EXPECT_THAT(render_error(repeated("a", 2'000'000)),
              HasSubstr("the limit is 1048576"));
}

TEST_F(chat_template_limits_test, a_caller_may_set_tighter_limits) {
  template_limits limits;
  limits.max_steps = 1000;
  EXPECT_THAT(
      render_error("{% for i in range(999) %}{{ i }}{% endfor %}", {}, limits),
      HasSubstr("over 1000 steps"));
  limits = {};
  limits.max_output_bytes = 10;
  EXPECT_EQ(render("0123456789", {}, limits), "0123456789");
  EXPECT_THAT(render_error("0123456789a", {}, limits),
              HasSubstr("over 10 bytes"));
  limits = {};
  limits.max_time = std::chrono::milliseconds{0};
  EXPECT_THAT(
      render_error("{% for i in range(9999) %}{{ i }}{% endfor %}", {}, limits),
      HasSubstr("over 0 ms"));
}

TEST_F(chat_template_limits_test, a_long_message_is_cheap) {
  template_dict variables;
  variables.set("x", template_value::text(repeated("word \n", 200'000), false));
  EXPECT_EQ(render("{{ x | trim | replace('word', 'w') | length }}", variables),
            "599998");
  EXPECT_EQ(
      render("{{ x.split('nothing') | length }}{{ 'z' in x }}", variables),
      "1False");
}

TEST_F(chat_template_limits_test, searching_is_linear) {
  template_dict variables;
  auto most = repeated("a", 4'000'000);
  variables.set("x", template_value::text(most, false));
  variables.set("y", template_value::text(most.substr(2'000'000) + "b", false));
  EXPECT_EQ(render("{{ y in x }}{{ x.find(y) }}{{ x | replace(y, '') == x }}",
                   variables),
            "False-1True");
}

TEST_F(chat_template_limits_test, any_damage_ends_in_an_error_or_a_text) {
  const std::string whole =
      "{% macro m(a, b=1) %}{{ a ~ b }}{% endmacro -%}\n"
      "{%- set ns = namespace(x='y') %}{# note #}\n"
      "{% for m_ in messages if m_ is defined %}{{ loop.index0 }}"
      "{{ m_['role'][0:2] | upper | default('z', true) }}{% if not loop.last "
      "%}, {% elif m_.content is string %}{{ m(m_.content.split('a')[0]) }}"
      "{% else %}{% break %}{% endif %}{% endfor %}{% set ns.x = [1, 2.5, "
      "none] + [{'k': ns.x}] %}{{ ns.x | tojson(indent=2) }}{{ '%s' % 1 }}";
  template_dict variables;
  variables.set("messages", template_value_from_json(
                                R"([{"role": "user", "content": "banana"},
                      {"role": "tool", "content": null}])",
                                false));
  std::mt19937 random{1};
  int rendered = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto source = whole;
    for (auto count = 1 + random() % 3; count > 0; --count) {
      auto at = random() % source.size();
      if (random() % 2)
        source.erase(at, random() % 6);
      else
        source.insert(at,
                      source.substr(random() % source.size(), random() % 12));
    }
    rendered += render_error(source, variables).empty();
  }
  EXPECT_GT(rendered, 1000);
}

} // namespace
} // namespace model_server
