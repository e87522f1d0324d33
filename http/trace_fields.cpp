// Reads them as strictly as the specification asks for.
#include "http/trace_fields.hpp"

#include "http/http_text.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace model_server {

namespace {

// -- traceparent --------------------------------------------------------------

// Lower case alone: an upper case digit makes the field invalid.
bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

// `version-trace_id-span_id-flags`; versions to come may have more behind it.
std::optional<trace_context> parse_parent(std::string_view text) {
  constexpr std::size_t size = 55;
  if (text.size() < size || text[2] != '-' || text[35] != '-'
      || text[52] != '-')
    return std::nullopt;
  auto version = text.substr(0, 2);
  auto trace = text.substr(3, 32);
  auto span = text.substr(36, 16);
  auto flags = text.substr(53, 2);
  auto has_more = text.size() > size;
  if (!is_hex(version) || version == "ff"
      || (has_more && (version == "00" || text[size] != '-')))
    return std::nullopt;
  if (!is_hex(trace) || is_zero(trace) || !is_hex(span) || is_zero(span)
      || !is_hex(flags))
    return std::nullopt;
  auto last = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
  return trace_context{
      std::string{trace}, std::string{span}, (last & 1) != 0, {}};
}

// -- tracestate ---------------------------------------------------------------

constexpr std::size_t most_members = 32;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_key_part(std::string_view text, std::size_t most, bool may_be_digit) {
  return !text.empty() && text.size() <= most
         && (is_lower(text[0]) || (may_be_digit && is_digit(text[0])))
         && std::ranges::all_of(text, [](char c) {
              return is_lower(c) || is_digit(c)
                     || std::string_view{"_-*/"}.find(c)
                            != std::string_view::npos;
            });
}

// A vendor's name, alone or behind a tenant's.
bool is_key(std::string_view text) {
  auto at = text.find('@');
  if (at == std::string_view::npos)
    return is_key_part(text, 256, false);
  return is_key_part(text.substr(0, at), 241, true)
         && is_key_part(text.substr(at + 1), 14, false);
}

bool is_value(std::string_view text) {
  return !text.empty() && text.size() <= 256 && text.back() != ' '
         && std::ranges::all_of(text, [](char c) {
              return c >= ' ' && c <= '~' && c != ',' && c != '=';
            });
}

// Members of one field or of several, put together; whole ones only. Nothing if
// any of them is not valid.
std::string read_state(std::span<const std::string> fields) {
  std::string result;
  std::set<std::string_view> keys;
  auto is_full = false;
  for (const auto& field : fields)
    for (auto part : split(field, ',')) {
      auto member = trimmed(part);
      if (member.empty())
        continue;
      auto equals = member.find('=');
      auto key = member.substr(0, equals);
      if (equals == std::string_view::npos || !is_key(key)
          || !is_value(member.substr(equals + 1)) || !keys.insert(key).second
          || keys.size() > most_members)
        return {};
      is_full |= result.size() + member.size() + 1 > most_trace_state_bytes;
      if (!is_full)
        result.append(result.empty() ? "" : ",").append(member);
    }
  return result;
}

} // namespace

trace_context read_trace_fields(std::span<const std::string> parents,
                                std::span<const std::string> states) {
  if (parents.size() != 1)
    return {};
  auto result = parse_parent(parents[0]);
  if (!result)
    return {};
  result->state = read_state(states);
  return *result;
}

} // namespace model_server
