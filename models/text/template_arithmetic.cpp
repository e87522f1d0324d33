// Arithmetic on numbers, and what `+`, `*` and `%` do with text and lists.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

using kind = expression_kind;

[[noreturn]] void fail_overflow() {
  throw template_error{"an integer grows beyond 64 bits"};
}

[[noreturn]] void fail_operands(std::string_view spelling,
                                const template_value& a,
                                const template_value& b) {
  for (auto* value : {&a, &b})
    if (value->is_undefined())
      fail_type(*value, "an operand");
  throw template_error{fmt::format("\"{}\" doesn't work on {} and {}", spelling,
                                   type_name(a), type_name(b))};
}

std::string_view spelling_of(kind what) {
  switch (what) {
  case kind::add:
    return "+";
  case kind::subtract:
    return "-";
  case kind::multiply:
    return "*";
  case kind::divide:
    return "/";
  case kind::floor_divide:
    return "//";
  case kind::modulo:
    return "%";
  default:
    return "**";
  }
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == -1) {
    std::int64_t result;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &result))
      fail_overflow();
    return result;
  }
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

template_value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0)
    return template_value::real(
        std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  std::int64_t result = 1;
  // Of larger exponents only these bases stay within bounds.
  if (exponent > 64 && base != 0 && base != 1 && base != -1)
    fail_overflow();
  if (exponent > 64)
    exponent = 64 + exponent % 2;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(result, base, &result))
      fail_overflow();
  return template_value::integer(result);
}

template_value compute_integers(kind what, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  if (b == 0
      && (what == kind::divide || what == kind::floor_divide
          || what == kind::modulo))
    throw template_error{"division by zero"};
  switch (what) {
  case kind::add:
    overflow = __builtin_add_overflow(a, b, &result);
    break;
  case kind::subtract:
    overflow = __builtin_sub_overflow(a, b, &result);
    break;
  case kind::multiply:
    overflow = __builtin_mul_overflow(a, b, &result);
    break;
  case kind::divide:
    return template_value::real(static_cast<double>(a)
                                / static_cast<double>(b));
  case kind::floor_divide:
    result = floor_divide(a, b);
    break;
  case kind::modulo:
    result = b == -1 ? 0 : a - floor_divide(a, b) * b;
    break;
  default:
    return power(a, b);
  }
  if (overflow)
    fail_overflow();
  return template_value::integer(result);
}

template_value compute_reals(kind what, double a, double b) {
  if (b == 0
      && (what == kind::divide || what == kind::floor_divide
          || what == kind::modulo))
    throw template_error{"division by zero"};
  switch (what) {
  case kind::add:
    return template_value::real(a + b);
  case kind::subtract:
    return template_value::real(a - b);
  case kind::multiply:
    return template_value::real(a * b);
  case kind::divide:
    return template_value::real(a / b);
  case kind::floor_divide:
    return template_value::real(std::floor(a / b));
  case kind::modulo: {
    auto rest = std::fmod(a, b);
    return template_value::real(rest != 0 && (rest < 0) != (b < 0) ? rest + b
                                                                   : rest);
  }
  default:
    return template_value::real(std::pow(a, b));
  }
}

/// Text or a list, `times` over.
template_value repeat(template_renderer& renderer, const template_value& value,
                      std::int64_t times) {
  auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  if (auto* text = value.as_text()) {
    if (!text->empty()
        && count > renderer.limits().max_output_bytes / text->size())
      throw template_error{
          fmt::format("a string of {} bytes is repeated {} times; the limit is "
                      "{} bytes",
                      text->size(), times, renderer.limits().max_output_bytes)};
    marked_text result;
    // Doubling: a short text may be repeated a million times.
    while (!text->empty() && result.size() < count * text->size()) {
      auto missing = count * text->size() - result.size();
      if (result.empty())
        result = *text;
      else
        result.append(marked_text{result}, 0, std::min(missing, result.size()));
    }
    return renderer.make_text(std::move(result), value.is_markup());
  }
  auto& items = value.as_list()->items;
  if (!items.empty() && count > renderer.limits().max_made_bytes / items.size())
    renderer.charge(renderer.limits().max_made_bytes + 1);
  renderer.charge(items.size() * count);
  std::vector<template_value> result;
  for (std::size_t i = 0; i < count && !items.empty(); ++i) {
    renderer.charge(items.size() * 64);
    result.insert(result.end(), items.begin(), items.end());
  }
  return renderer.make_list(std::move(result), value.as_list()->kind);
}

template_value add_texts(template_renderer& renderer, const template_value& a,
                         const template_value& b) {
  auto markup = a.is_markup() || b.is_markup();
  auto part = [&](const template_value& value) {
    return markup && !value.is_markup() ? escape_html(*value.as_text())
                                        : *value.as_text();
  };
  auto result = part(a);
  result.append(part(b));
  return renderer.make_text(std::move(result), markup);
}

} // namespace

template_value compute(template_renderer& renderer, kind what,
                       const template_value& a, const template_value& b) {
  auto whole_a = to_integer(a), whole_b = to_integer(b);
  if (whole_a && whole_b)
    return compute_integers(what, *whole_a, *whole_b);
  auto number_a = to_number(a), number_b = to_number(b);
  if (number_a && number_b)
    return compute_reals(what, *number_a, *number_b);
  if (what == kind::add) {
    if (a.as_text() && b.as_text())
      return add_texts(renderer, a, b);
    if (is_plain_list(a.as_list()) && is_plain_list(b.as_list())
        && a.as_list()->kind == b.as_list()->kind) {
      auto items = a.as_list()->items;
      auto& more = b.as_list()->items;
      items.insert(items.end(), more.begin(), more.end());
      return renderer.make_list(std::move(items), a.as_list()->kind);
    }
  }
  if (what == kind::multiply) {
    auto repeats = [](const template_value& value) {
      return value.as_text() || is_plain_list(value.as_list());
    };
    if (repeats(a) && whole_b)
      return repeat(renderer, a, *whole_b);
    if (repeats(b) && whole_a)
      return repeat(renderer, b, *whole_a);
  }
  if (what == kind::modulo && a.as_text()) {
    if (b.is_undefined())
      fail_type(b, "an operand");
    if (a.is_markup())
      throw template_error{"formatting text marked safe is not supported"};
    if (auto* list = b.as_list(); list && list->kind == sequence_kind::tuple)
      return renderer.make_text(
          format_percent(renderer, *a.as_text(), list->items, nullptr));
    return renderer.make_text(
        format_percent(renderer, *a.as_text(), {b}, b.as_dict()));
  }
  fail_operands(spelling_of(what), a, b);
}

template_value negate(const template_value& value) {
  if (auto integer = to_integer(value))
    return compute_integers(kind::subtract, 0, *integer);
  if (auto* real = value.as_real())
    return template_value::real(-*real);
  fail_type(value, "a number");
}

} // namespace model_server
