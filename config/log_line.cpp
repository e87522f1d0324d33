// Formats log lines.
#include "config/log_line.hpp"

#include "config/quote.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

constexpr std::size_t max_line_bytes = 16 * 1024;

std::string show_time(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  auto whole = floor<milliseconds>(time);
  auto ms = (whole - floor<seconds>(whole)).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(system_clock::to_time_t(floor<seconds>(time))),
                     ms);
}

// True for texts that need no quotation marks in a text log.
bool is_bare(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || std::string_view{"._:/@+-"}.find(c) != std::string_view::npos;
  });
}

// Shows a value in both formats; numbers and flags are the same in each.
struct value_writer {
  std::string& out;
  bool as_json;

  void operator()(bool flag) const {
    out += flag ? "true" : "false";
  }

  void operator()(std::int64_t number) const {
    out += fmt::format("{}", number);
  }

  void operator()(std::uint64_t number) const {
    out += fmt::format("{}", number);
  }

  void operator()(double number) const {
    out += std::isfinite(number) ? fmt::format("{}", number) : "null";
  }

  void operator()(std::string_view text) const {
    if (!as_json && text.size() <= shown_text_bytes && is_bare(text))
      out += text;
    else
      out += quote(text);
  }

  void operator()(private_text said) const {
    (*this)(said.text);
  }

  void operator()(optional_text fact) const {
    (*this)(fact.text);
  }
};

bool is_left_out(const log_value& value, const log_settings& how) {
  if (const auto* fact = std::get_if<optional_text>(&value.get()))
    return fact->text.empty();
  return std::holds_alternative<private_text>(value.get()) && !how.contents;
}

} // namespace

std::string format_log_line(const log_settings& how, log_level level,
                            std::chrono::system_clock::time_point time,
                            std::string_view event,
                            std::span<const log_field> fields) {
  auto as_json = how.format == log_format::json;
  auto line = as_json ? fmt::format(R"({{"ts":"{}","level":"{}","event":"{}")",
                                    show_time(time), to_string(level), event)
                      : fmt::format("{} {} {}", show_time(time),
                                    to_string(level), event);
  for (const auto& [key, value] : fields) {
    if (is_left_out(value, how))
      continue;
    // No field is longer than a cut text with all of it escaped.
    if (line.size() + shown_text_bytes + 128 > max_line_bytes) {
      line += as_json ? R"(,"cut":true)" : " cut=true";
      break;
    }
    line += as_json ? fmt::format(",\"{}\":", key) : fmt::format(" {}=", key);
    std::visit(value_writer{line, as_json}, value.get());
  }
  if (as_json)
    line += '}';
  return line;
}

std::string_view to_string(log_level level) {
  switch (level) {
  case log_level::debug:
    return "debug";
  case log_level::info:
    return "info";
  case log_level::warning:
    return "warning";
  case log_level::error:
    return "error";
  }
  return "error";
}

} // namespace model_server
