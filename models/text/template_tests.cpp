// What may stand behind `is`.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"
#include "models/text/template_renderer.hpp"

#include "models/text/python_text.hpp"

#include <fmt/format.h>

#include <unordered_map>

namespace model_server {

namespace {

/// A test; `other` is its argument, or null.
using test = bool (*)(template_renderer&, const template_value& value,
                      const template_value* other);

const template_value& needed(const template_value* other) {
  if (!other)
    throw template_error{"a test lacks its argument"};
  return *other;
}

bool is_equal(template_renderer& r, const template_value& value,
              const template_value* other) {
  return equals(r, value, needed(other));
}

bool is_not_equal(template_renderer& r, const template_value& value,
                  const template_value* other) {
  return !equals(r, value, needed(other));
}

bool is_less(template_renderer& r, const template_value& value,
             const template_value* other) {
  return order(r, value, needed(other)) < 0;
}

bool is_at_most(template_renderer& r, const template_value& value,
                const template_value* other) {
  return order(r, value, needed(other)) <= 0;
}

bool is_greater(template_renderer& r, const template_value& value,
                const template_value* other) {
  return order(r, value, needed(other)) > 0;
}

bool is_at_least(template_renderer& r, const template_value& value,
                 const template_value* other) {
  return order(r, value, needed(other)) >= 0;
}

bool is_in(template_renderer& r, const template_value& value,
           const template_value* other) {
  return contains(r, needed(other), value);
}

bool is_divisible(template_renderer&, const template_value& value,
                  std::int64_t by) {
  auto integer = to_integer(value);
  if (!integer)
    fail_type(value, "an integer");
  if (by == 0)
    throw template_error{"division by zero"};
  return by == -1 || *integer % by == 0;
}

bool is_divisible_by(template_renderer& r, const template_value& value,
                     const template_value* other) {
  auto by = to_integer(needed(other));
  if (!by)
    fail_type(*other, "an integer");
  return is_divisible(r, value, *by);
}

bool is_same(template_renderer&, const template_value& value,
             const template_value* other) {
  auto &a = value, &b = needed(other);
  auto *flag_a = a.as_boolean(), *flag_b = b.as_boolean();
  if (flag_a && flag_b)
    return *flag_a == *flag_b;
  if (a.is_none() || b.is_none() || flag_a || flag_b)
    return a.is_none() && b.is_none();
  throw template_error{"\"sameas\" is supported for true, false and none only"};
}

bool is_sequence(template_renderer&, const template_value& value,
                 const template_value*) {
  auto* list = value.as_list();
  return value.is_undefined() || value.as_text() || value.as_dict()
         || (list && list->kind <= sequence_kind::range);
}

bool is_iterable(template_renderer&, const template_value& value,
                 const template_value*) {
  auto* object = value.as_object();
  return value.is_undefined() || value.as_text() || value.as_list()
         || value.as_dict() || dynamic_cast<iterator_object*>(object)
         || dynamic_cast<loop_object*>(object);
}

bool is_callable(template_renderer&, const template_value& value,
                 const template_value*) {
  auto* object = value.as_object();
  return value.is_undefined() || dynamic_cast<macro_object*>(object)
         || dynamic_cast<method_object*>(object)
         || dynamic_cast<function_object*>(object);
}

const std::unordered_map<std::string_view, test>& all_tests() {
  static const std::unordered_map<std::string_view, test> tests{
      {"==", is_equal},
      {"eq", is_equal},
      {"equalto", is_equal},
      {"!=", is_not_equal},
      {"ne", is_not_equal},
      {"<", is_less},
      {"lt", is_less},
      {"lessthan", is_less},
      {"<=", is_at_most},
      {"le", is_at_most},
      {">", is_greater},
      {"gt", is_greater},
      {"greaterthan", is_greater},
      {">=", is_at_least},
      {"ge", is_at_least},
      {"in", is_in},
      {"divisibleby", is_divisible_by},
      {"sameas", is_same},
      {"sequence", is_sequence},
      {"iterable", is_iterable},
      {"callable", is_callable},
      {"defined",
       [](auto&, auto& value, auto*) { return !value.is_undefined(); }},
      {"undefined",
       [](auto&, auto& value, auto*) { return value.is_undefined(); }},
      {"none", [](auto&, auto& value, auto*) { return value.is_none(); }},
      {"boolean",
       [](auto&, auto& value, auto*) { return value.as_boolean() != nullptr; }},
      {"true", [](auto&, auto& value,
                  auto*) { return value.as_boolean() && *value.as_boolean(); }},
      {"false",
       [](auto&, auto& value, auto*) {
         return value.as_boolean() && !*value.as_boolean();
       }},
      {"integer",
       [](auto&, auto& value, auto*) { return value.as_integer() != nullptr; }},
      {"float",
       [](auto&, auto& value, auto*) { return value.as_real() != nullptr; }},
      {"number",
       [](auto&, auto& value, auto*) { return to_number(value).has_value(); }},
      {"string",
       [](auto&, auto& value, auto*) { return value.as_text() != nullptr; }},
      {"mapping",
       [](auto&, auto& value, auto*) { return value.as_dict() != nullptr; }},
      {"escaped", [](auto&, auto& value, auto*) { return value.is_markup(); }},
      {"odd",
       [](auto& r, auto& value, auto*) { return !is_divisible(r, value, 2); }},
      {"even",
       [](auto& r, auto& value, auto*) { return is_divisible(r, value, 2); }},
      {"lower", [](auto& r, auto& value,
                   auto*) { return is_lower_text(to_text(r, value).bytes()); }},
      {"upper", [](auto& r, auto& value,
                   auto*) { return is_upper_text(to_text(r, value).bytes()); }},
  };
  return tests;
}

} // namespace

bool template_renderer::apply_test(const std::string& name,
                                   const template_value& input,
                                   const call_arguments& arguments) {
  auto found = all_tests().find(name);
  if (found == all_tests().end())
    throw template_error{fmt::format("the test \"{}\" is not supported", name)};
  if (arguments.positional.size() > 1 || !arguments.named.empty())
    throw template_error{
        fmt::format("the test \"{}\" takes at most one argument", name)};
  return found->second(
      *this, input,
      arguments.positional.empty() ? nullptr : &arguments.positional.front());
}

} // namespace model_server
