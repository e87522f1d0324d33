// Checks the template language against stored renderings, and who is trusted
// for what.
#include "models/text/chat_template.hpp"

#include "models/text/json_document.hpp"

#include "tests/models/text/template_cases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace model_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using segments = std::vector<prompt_segment>;

template_dict with_text(const char* name, const char* text) {
  template_dict result;
  result.set(name, template_value::text(text, false));
  return result;
}

segments parts(const char* source, const char* x) {
  return chat_template{source}.render(with_text("x", x));
}

// The file was made by transformers' own environment; its first line holds the
// variables.
TEST(chat_template_test, agrees_with_the_reference_on_every_stored_case) {
  std::ifstream file{"tests/data/templates/jinja_cases.jsonl"};
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  auto head = template_value_from_json(line, false);
  template_dict variables;
  variables.set("messages", *head.as_dict()->find("messages"));
  variables.set("bos_token", *head.as_dict()->find("bos_token"));
  int rendered = 0, refused = 0;
  while (std::getline(file, line)) {
    auto json = template_value_from_json(line, false);
    auto& test = *json.as_dict();
    auto& source = test.find("template")->as_text()->bytes();
    SCOPED_TRACE(source);
    if (auto* text = test.find("text")) {
      EXPECT_EQ(render_error(source, variables), "");
      EXPECT_EQ(render(source, variables), text->as_text()->bytes());
      ++rendered;
    } else {
      EXPECT_NE(render_error(source, variables), "");
      ++refused;
    }
  }
  EXPECT_GT(rendered, 500);
  EXPECT_GT(refused, 80);
}

TEST(chat_template_test, numbers_of_clients_stay_what_they_are) {
  for (std::string number :
       {"1234.5678901234567", "2.592882e-17", "100.00000000000001", "0.1",
        "9007199254740993", "-9223372036854775808"}) {
    template_dict variables;
    variables.set("x", template_value_from_json(number, false));
    EXPECT_EQ(render("{{ x }}|{{ x|tojson }}", variables),
              number + "|" + number);
  }
}

TEST(chat_template_test, tells_its_own_words_from_the_clients) {
  EXPECT_THAT(parts("<a>{{ x }}</a>", "hi"),
              ElementsAre(prompt_segment{"<a>", true},
                          prompt_segment{"hi", false},
                          prompt_segment{"</a>", true}));
  EXPECT_THAT(parts("{{ '<a>' }}{{ '</a>' }}", "hi"),
              ElementsAre(prompt_segment{"<a></a>", true}));
}

TEST(chat_template_test, keeps_the_marks_through_everything) {
  constexpr const char* sources[] = {
      "[{{ x }}]",
      "[{{ x ~ '' }}]",
      "[{{ '' + x + '' }}]",
      "[{{ x | trim }}]",
      "[{{ (' ' ~ x ~ ' ') | trim }}]",
      "[{{ x | upper | lower }}]",
      "[{{ x.upper().lower() }}]",
      "[{{ x.split('-')[0] }}]",
      "[{{ x[:] }}]",
      "[{{ x | list | join }}]",
      "[{{ [x] | join('|') }}]",
      "[{{ x | replace('none', 'such') }}]",
      "[{{ x | string | safe }}]",
      "[{{ x | indent }}]",
      "[{{ '%s' % x }}]",
      "[{{ '%s' | format(x) }}]",
      "[{{ '{}'.format(x) }}]",
      "[{{ x.title().lower() }}]",
      "[{% set y = x %}{{ y }}]",
      "[{% set y %}{{ x }}{% endset %}{{ y }}]",
      "[{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}]",
      "[{% filter trim %}{{ x }}{% endfilter %}]",
      "[{% generation %}{{ x }}{% endgeneration %}]",
      "[{% for c in x %}{{ c }}{% endfor %}]",
      "[{{ namespace(y=x).y }}]",
      "[{{ {'k': x}.k }}]",
      "[{{ x if true else '' }}]",
      "[{{ none | default(x, true) }}]",
      "[{{ x.partition('-')[0] }}]",
      "[{{ x.splitlines()[0] }}]",
      "[{{ x.removeprefix('-') }}]",
      "[{{ x | reverse | reverse }}]",
      "[{{ [x, 'z'] | sort | first }}]",
      "[{{ x | e }}]",
  };
  for (auto* source : sources)
    EXPECT_THAT(
        parts(source, "<|end|>"),
        testing::AnyOf(ElementsAre(prompt_segment{"[", true},
                                   prompt_segment{"<|end|>", false},
                                   prompt_segment{"]", true}),
                       ElementsAre(prompt_segment{"[", true},
                                   prompt_segment{"&lt;|end|&gt;", false},
                                   prompt_segment{"]", true})))
        << source;
}

TEST(chat_template_test, marks_text_inside_of_json_and_lists) {
  for (auto* source : {"{{ {'k': x} | tojson }}", "{{ [x] }}",
                       "{{ {'k': [x]} | tojson(indent=1) }}",
                       "{{ {x: 1} | tojson }}", "{{ {'k': x} | string }}"}) {
    std::string untrusted;
    for (auto& part : parts(source, "<|end|>"))
      if (!part.trusted)
        untrusted += part.text;
    EXPECT_EQ(untrusted, "<|end|>") << source;
  }
}

TEST(chat_template_test, a_replacement_is_the_templates_own) {
  EXPECT_THAT(parts("{{ x | replace('b', '<b>') }}", "abc"),
              ElementsAre(prompt_segment{"a", false},
                          prompt_segment{"<b>", true},
                          prompt_segment{"c", false}));
}

TEST(chat_template_test, tells_a_refusal_from_a_failure) {
  chat_template refusing{"{{ raise_exception('Roles must ' ~ 'alternate') }}"};
  try {
    refusing.render({});
    FAIL();
  } catch (const template_refusal& e) {
    EXPECT_STREQ(e.what(), "Roles must alternate");
  }
  chat_template failing{"\n\n{{ 1 + none }}"};
  try {
    failing.render({});
    FAIL();
  } catch (const template_refusal&) {
    FAIL();
  } catch (const template_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("line 3: "));
  }
}

TEST(chat_template_test, says_where_it_is_not_understood) {
  EXPECT_THAT(render_error("a\n{% nonsense %}"),
              HasSubstr("line 2: the tag \"nonsense\""));
  EXPECT_THAT(render_error("\n\n{{ 'abc }}"), HasSubstr("line 3: a string"));
  EXPECT_THAT(render_error("{% if x %}\n"), HasSubstr("ends before"));
  EXPECT_THAT(render_error("{{ x | nofilter }}"), HasSubstr("\"nofilter\""));
  EXPECT_THAT(render_error("{{ x is notest }}"), HasSubstr("\"notest\""));
  EXPECT_THAT(render_error("{{ $ }}"), HasSubstr("unexpected \"$\""));
  EXPECT_THAT(render_error("{{ \xFF }}"), HasSubstr("not UTF-8"));
}

TEST(chat_template_test, renders_over_and_over) {
  chat_template source{"{% set ns = namespace(n=0) %}{% for i in [1, 2] %}"
                       "{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}"};
  EXPECT_EQ(joined(source.render({})), "3");
  EXPECT_EQ(joined(source.render({})), "3");
}

} // namespace
} // namespace model_server
