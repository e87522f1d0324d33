// Filters on text and on single values.
#include "models/text/template_filters.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

using value = template_value;
using arguments = call_arguments;

bool flag(const value* given) {
  return given && is_true(*given);
}

std::int64_t integer_or(const value* given, std::int64_t otherwise) {
  if (!given)
    return otherwise;
  auto result = to_integer(*given);
  if (!result)
    fail_type(*given, "an integer");
  return *result;
}

/// A filter that makes text of the text of any value.
template <marked_text (*Change)(const marked_text&)>
value change(template_renderer& r, const value& input, const arguments& a) {
  a.bind("the filter", {});
  auto text = to_text(r, input);
  r.spend(text.size() / 32);
  return r.make_text(Change(text), input.is_markup());
}

value trim(template_renderer& r, const value& input, const arguments& a) {
  auto* characters = a.bind("trim", {"chars"})[0];
  if (characters && characters->is_none())
    characters = nullptr;
  if (characters && !characters->as_text())
    fail_type(*characters, "characters to trim");
  return r.make_text(strip_text(to_text(r, input),
                                characters ? characters->as_text() : nullptr,
                                true, true),
                     input.is_markup());
}

value replace(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("replace", {"old", "new", "count"});
  if (!given[0] || !given[1])
    throw template_error{"replace lacks an argument"};
  arguments texts;
  texts.positional = {r.make_text(to_text(r, *given[0])),
                      r.make_text(to_text(r, *given[1]))};
  if (given[2] && !given[2]->is_none())
    texts.positional.push_back(*given[2]);
  return r.call_method(r.make_text(to_text(r, input)), "replace", texts);
}

value indent(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("indent", {"width", "first", "blank"});
  if (!input.as_text() || input.is_markup())
    fail_type(input, "plain text to indent");
  marked_text space;
  if (given[0] && given[0]->as_text())
    space = *given[0]->as_text();
  else
    space = {std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                             integer_or(given[0], 4), 0, 1000)),
                         ' '),
             true};
  auto text = *input.as_text();
  text.append("\n", true);
  auto lines = split_lines(text, false);
  auto every = flag(given[2]);
  marked_text result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0)
      result.append("\n", true);
    auto indents = i == 0 ? flag(given[1]) : every || !lines[i].empty();
    if (indents)
      result.append(space);
    result.append(lines[i]);
    r.charge(space.size() + lines[i].size() + 64);
  }
  return r.make_text(std::move(result));
}

value string(template_renderer& r, const value& input, const arguments& a) {
  a.bind("string", {});
  return input.as_text() ? input : r.make_text(to_text(r, input));
}

value safe(template_renderer& r, const value& input, const arguments& a) {
  a.bind("safe", {});
  return r.make_text(to_text(r, input), true);
}

value escape(template_renderer& r, const value& input, const arguments& a) {
  a.bind("escape", {});
  auto text = to_text(r, input);
  r.charge(text.size() * 6);
  return r.make_text(input.is_markup() ? text : escape_html(text), true);
}

value format(template_renderer& r, const value& input, const arguments& a) {
  template_dict named;
  for (auto& [name, given] : a.named)
    named.set(name, given);
  if (!a.positional.empty() && named.size() > 0)
    throw template_error{
        "format takes positional or named arguments, not both"};
  return r.make_text(format_percent(r, to_text(r, input), a.positional,
                                    named.size() > 0 ? &named : nullptr));
}

value tojson(template_renderer& r, const value& input, const arguments& a) {
  auto given =
      a.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  json_style style;
  style.ascii_only = flag(given[0]);
  style.sort_keys = flag(given[3]);
  if (given[1] && !given[1]->is_none()) {
    if (auto* text = given[1]->as_text())
      style.indent = text->bytes();
    else
      style.indent =
          std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                          integer_or(given[1], 0), 0, 1000)),
                      ' ');
    style.item_separator = std::string(1, ','); // no blank at a line's end
  }
  if (given[2] && !given[2]->is_none()) {
    auto* pair = given[2]->as_list();
    if (!pair || pair->items.size() != 2 || !pair->items[0].as_text()
        || !pair->items[1].as_text())
      fail_type(*given[2], "two separators");
    style.item_separator = pair->items[0].as_text()->bytes();
    style.key_separator = pair->items[1].as_text()->bytes();
  }
  return r.make_text(to_json(r, input, style));
}

value otherwise(template_renderer&, const value& input, const arguments& a) {
  auto given = a.bind("default", {"default_value", "boolean"});
  if (input.is_undefined() || (flag(given[1]) && !is_true(input)))
    return given[0] ? *given[0] : value::text("", true);
  return input;
}

value attr(template_renderer& r, const value& input, const arguments& a) {
  auto* name = a.bind("attr", {"name"})[0];
  if (!name || !name->as_text())
    throw template_error{"attr lacks a name"};
  // Unlike the dot it doesn't look for a key.
  if (input.as_dict()
      && !template_renderer::has_method(input, name->as_text()->bytes()))
    return value::undefined(
        fmt::format("no attribute '{}'", name->as_text()->bytes()));
  return r.attribute(input, name->as_text()->bytes());
}

} // namespace

const filter_table& value_filters() {
  static const filter_table filters{
      {"attr", attr},
      {"capitalize", change<capitalize_text>},
      {"d", otherwise},
      {"default", otherwise},
      {"e", escape},
      {"escape", escape},
      {"format", format},
      {"indent", indent},
      {"lower", change<lower_text>},
      {"replace", replace},
      {"safe", safe},
      {"string", string},
      {"title", change<title_words>},
      {"tojson", tojson},
      {"trim", trim},
      {"upper", change<upper_text>},
  };
  return filters;
}

} // namespace model_server
