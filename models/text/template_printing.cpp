// Writes values as text and JSON.
#include "models/text/template_printing.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace model_server {

namespace {

/// A float as Python writes it: the shortest digits that give it back.
std::string repr_real(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer;
  auto* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                            std::chars_format::scientific)
                  .ptr;
  std::string scientific{buffer.data(), end};
  auto mark = scientific.find('e');
  auto exponent = std::stoi(scientific.substr(mark + 1));
  if (exponent < -4 || exponent >= 16)
    return scientific;
  end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                      std::chars_format::fixed)
            .ptr;
  std::string fixed{buffer.data(), end};
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

/// What Python writes for a value that isn't text or made of others.
std::optional<std::string> repr_simple(const template_value& value) {
  if (value.is_none())
    return "None";
  if (auto* flag = value.as_boolean())
    return *flag ? "True" : "False";
  if (auto* integer = value.as_integer())
    return std::to_string(*integer);
  if (auto* real = value.as_real())
    return repr_real(*real);
  return std::nullopt;
}

/// A collection, its parts written by `to_repr`.
class repr_writer {
public:
  explicit repr_writer(template_renderer& renderer) : renderer_(renderer) {
    // nop
  }

  void write(const template_value& value, marked_text& out) {
    renderer_.spend(1);
    auto before = out.size();
    if (auto simple = repr_simple(value))
      out.append(*simple, true);
    else if (auto* text = value.as_text())
      out.append(repr_text(*text));
    else if (auto* list = value.as_list())
      write_list(*list, out);
    else if (auto* dict = value.as_dict())
      write_dict(*dict, out);
    else if (value.is_undefined())
      out.append("Undefined", true);
    else
      fail_type(value, "something that can be printed");
    renderer_.charge(out.size() - before);
  }

private:
  void write_list(const template_list& list, marked_text& out) {
    constexpr std::string_view opens[] = {
        "[", "(", "", "dict_keys([", "dict_values([", "dict_items(["};
    constexpr std::string_view closes[] = {"]", ")", "", "])", "])", "])"};
    if (list.kind == sequence_kind::range)
      throw template_error{"printing a range is not supported"};
    auto kind = static_cast<std::size_t>(list.kind);
    out.append(opens[kind], true);
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0)
        out.append(", ", true);
      write(list.items[i], out);
    }
    if (list.kind == sequence_kind::tuple && list.items.size() == 1)
      out.append(",", true);
    out.append(closes[kind], true);
  }

  void write_dict(const template_dict& dict, marked_text& out) {
    out.append("{", true);
    bool first = true;
    for (auto& [key, value] : dict.entries()) {
      if (!std::exchange(first, false))
        out.append(", ", true);
      write(key, out);
      out.append(": ", true);
      write(value, out);
    }
    out.append("}", true);
  }

  template_renderer& renderer_;
};

class json_writer {
public:
  json_writer(template_renderer& renderer, const json_style& style)
      : renderer_(renderer), style_(style) {
    // nop
  }

  void write(const template_value& value, marked_text& out) {
    renderer_.spend(1);
    auto before = out.size();
    if (auto* text = value.as_text())
      write_text(*text, out);
    else if (auto* list = value.as_list();
             list && list->kind <= sequence_kind::tuple)
      write_list(*list, out);
    else if (auto* dict = value.as_dict())
      write_dict(*dict, out);
    else if (auto simple = spell(value))
      out.append(*simple, true);
    else if (value.is_undefined())
      throw template_error{"Undefined has no JSON"};
    else
      fail_type(value, "something that JSON has");
    renderer_.charge(out.size() - before);
  }

private:
  static std::optional<std::string> spell(const template_value& value) {
    if (value.is_none())
      return "null";
    if (auto* flag = value.as_boolean())
      return *flag ? "true" : "false";
    if (auto* real = value.as_real(); real && !std::isfinite(*real))
      return std::isnan(*real) ? "NaN" : *real > 0 ? "Infinity" : "-Infinity";
    return repr_simple(value);
  }

  void write_text(const marked_text& text, marked_text& out) const {
    out.append("\"", true);
    auto all = std::string_view{text.bytes()};
    std::size_t done = 0;
    std::string escaped;
    for (std::size_t at = 0; at < all.size();) {
      auto front = read_utf8(all.substr(at));
      escaped.clear();
      escape(front.code, escaped);
      if (!escaped.empty()) {
        out.append(text, done, at);
        out.append(escaped, text.is_trusted_at(at));
        done = at + front.size;
      }
      at += front.size;
    }
    out.append(text, done, all.size());
    out.append("\"", true);
  }

  void escape(char32_t code, std::string& out) const {
    constexpr std::string_view plain = "\"\\\n\r\t\b\f";
    constexpr std::string_view named = "\"\\nrtbf";
    auto unit = [&](char32_t value) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(value));
    };
    if (auto which = code < 0x80 ? plain.find(static_cast<char>(code))
                                 : std::string_view::npos;
        which != std::string_view::npos)
      (out += '\\') += named[which];
    else if (code < 0x20
             || (style_.ascii_only && code > 0x7E && code < 0x10000))
      unit(code);
    else if (style_.ascii_only && code >= 0x10000) {
      unit(0xD800 + ((code - 0x10000) >> 10));
      unit(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }

  void separate(const std::string& separator, marked_text& out) {
    renderer_.charge(separator.size());
    out.append(separator, true);
  }

  void new_line(marked_text& out) {
    if (!style_.indent)
      return;
    renderer_.charge(level_ * style_.indent->size());
    std::string line = "\n";
    for (std::size_t i = 0; i < level_; ++i)
      line += *style_.indent;
    out.append(line, true);
  }

  void write_list(const template_list& list, marked_text& out) {
    if (list.items.empty()) {
      out.append("[]", true);
      return;
    }
    out.append("[", true);
    ++level_;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0)
        separate(style_.item_separator, out);
      new_line(out);
      write(list.items[i], out);
    }
    --level_;
    new_line(out);
    out.append("]", true);
  }

  void write_dict(const template_dict& dict, marked_text& out) {
    if (dict.size() == 0) {
      out.append("{}", true);
      return;
    }
    auto entries = dict.entries();
    if (style_.sort_keys)
      std::stable_sort(entries.begin(), entries.end(), [&](auto& a, auto& b) {
        return order(renderer_, a.first, b.first) < 0;
      });
    out.append("{", true);
    ++level_;
    bool first = true;
    for (auto& [key, value] : entries) {
      if (!std::exchange(first, false))
        separate(style_.item_separator, out);
      new_line(out);
      if (auto* text = key.as_text())
        write_text(*text, out);
      else
        out.append("\"" + spell(key).value_or("") + "\"", true);
      separate(style_.key_separator, out);
      write(value, out);
    }
    --level_;
    new_line(out);
    out.append("}", true);
  }

  template_renderer& renderer_;
  const json_style& style_;
  std::size_t level_ = 0;
};

} // namespace

marked_text to_text(template_renderer& renderer, const template_value& value) {
  if (auto* text = value.as_text())
    return *text;
  if (value.is_undefined())
    return {};
  return to_repr(renderer, value);
}

marked_text to_repr(template_renderer& renderer, const template_value& value) {
  marked_text result;
  repr_writer{renderer}.write(value, result);
  return result;
}

marked_text to_json(template_renderer& renderer, const template_value& value,
                    const json_style& style) {
  marked_text result;
  json_writer{renderer, style}.write(value, result);
  return result;
}

} // namespace model_server
