// Python's string methods, byte marks carried along.
#include "models/text/python_text.hpp"

#include "models/text/marked_map.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace model_server {

namespace {

/// Where each character begins, and the end.
std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!is_utf8_continuation(text[i]))
      result.push_back(i);
  result.push_back(text.size());
  return result;
}

} // namespace

bool is_python_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20)
         || code == 0x85 || code == 0xA0 || code == 0x1680
         || (code >= 0x2000 && code <= 0x200A) || code == 0x2028
         || code == 0x2029 || code == 0x202F || code == 0x205F
         || code == 0x3000;
}

std::size_t space_size(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto front = read_utf8(text.substr(at));
    if (!is_python_space(front.code))
      break;
    at += front.size;
  }
  return at;
}

std::size_t rstrip_size(std::string_view text) {
  auto end = text.size();
  while (end > 0) {
    auto last = end - 1;
    while (last > 0 && is_utf8_continuation(text[last]))
      --last;
    if (!is_python_space(read_utf8(text.substr(last)).code))
      break;
    end = last;
  }
  return end;
}

std::size_t find_bytes(std::string_view text, std::string_view needle,
                       std::size_t from) {
  if (from > text.size())
    return std::string_view::npos;
  // Unlike std::string_view::find, linear however text and needle look.
  auto* found = memmem(text.data() + from, text.size() - from, needle.data(),
                       needle.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found)
                                          - text.data())
               : std::string_view::npos;
}

std::size_t count_bytes(std::string_view text, std::string_view needle) {
  if (needle.empty())
    return count_utf8(text) + 1;
  std::size_t count = 0;
  for (auto at = find_bytes(text, needle); at != std::string_view::npos;
       at = find_bytes(text, needle, at + needle.size()))
    ++count;
  return count;
}

slice_range resolve_slice(std::size_t length, std::optional<std::int64_t> start,
                          std::optional<std::int64_t> stop, std::int64_t step) {
  auto size = static_cast<std::int64_t>(length);
  auto low = step > 0 ? 0 : -1;
  auto high = step > 0 ? size : size - 1;
  auto settle = [&](std::optional<std::int64_t> bound, std::int64_t otherwise) {
    if (!bound)
      return otherwise;
    auto definite =
        *bound < 0 ? std::max<std::int64_t>(*bound, -size) + size : *bound;
    if (*bound < -size)
      definite = low;
    return std::clamp<std::int64_t>(definite, low, high);
  };
  slice_range result;
  result.step = step;
  result.start = settle(start, step > 0 ? low : high);
  auto end = settle(stop, step > 0 ? high : low);
  auto distance = step > 0 ? end - result.start : result.start - end;
  auto stride = step > 0 ? static_cast<std::uint64_t>(step)
                         : ~static_cast<std::uint64_t>(step) + 1;
  if (distance > 0)
    result.count = (static_cast<std::uint64_t>(distance) - 1) / stride + 1;
  return result;
}

marked_text slice_text(const marked_text& text, const slice_range& range) {
  if (range.count == 0)
    return {};
  auto starts = character_starts(text.bytes());
  auto first = static_cast<std::size_t>(range.start);
  if (range.step == 1)
    return text.slice(starts[first], starts[first + range.count]);
  marked_text result;
  auto at = range.start;
  for (std::size_t i = 0; i < range.count; ++i) {
    auto index = static_cast<std::size_t>(at);
    result.append(text, starts[index], starts[index + 1]);
    if (i + 1 < range.count)
      at += range.step;
  }
  return result;
}

marked_text strip_text(const marked_text& text, const marked_text* characters,
                       bool left, bool right) {
  auto all = std::string_view{text.bytes()};
  if (!characters) {
    auto end = right ? rstrip_size(all) : all.size();
    auto begin = left ? space_size(all.substr(0, end)) : 0;
    return text.slice(begin, end);
  }
  auto has = [&](std::string_view letter) {
    return find_bytes(characters->bytes(), letter) != std::string_view::npos;
  };
  std::size_t begin = 0, end = all.size();
  while (left && begin < end) {
    auto size = read_utf8(all.substr(begin)).size;
    if (!has(all.substr(begin, size)))
      break;
    begin += size;
  }
  while (right && begin < end) {
    auto last = end - 1;
    while (is_utf8_continuation(all[last]))
      --last;
    if (!has(all.substr(last, end - last)))
      break;
    end = last;
  }
  return text.slice(begin, end);
}

marked_text replace_text(const marked_text& text, const marked_text& from,
                         const marked_text& to, std::int64_t limit) {
  marked_text result;
  auto all = std::string_view{text.bytes()};
  std::size_t done = 0;
  std::int64_t count = 0;
  auto more = [&] { return limit < 0 || count++ < limit; };
  if (from.empty()) {
    // Between all characters, and at both ends.
    while (more()) {
      result.append(to);
      if (done == all.size())
        return result;
      auto size = read_utf8(all.substr(done)).size;
      result.append(text, done, done + size);
      done += size;
    }
  } else {
    auto at = find_bytes(all, from.bytes());
    while (at != std::string_view::npos && more()) {
      result.append(text, done, at);
      result.append(to);
      done = at + from.size();
      at = find_bytes(all, from.bytes(), done);
    }
  }
  result.append(text, done, all.size());
  return result;
}

marked_text repr_text(const marked_text& text) {
  auto has = [&](char c) { return text.bytes().find(c) != std::string::npos; };
  auto quote = has('\'') && !has('"') ? '"' : '\'';
  auto is_printable = [](char32_t code) {
    auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
    return category != UTF8PROC_CATEGORY_CN && category < UTF8PROC_CATEGORY_ZS;
  };
  marked_text result{std::string(1, quote), true};
  result.append(map_characters(text, [&](auto& out, auto, char32_t code) {
    if (code == static_cast<char32_t>(quote) || code == '\\')
      (out += '\\') += static_cast<char>(code);
    else if (code == '\n')
      out += "\\n";
    else if (code == '\r')
      out += "\\r";
    else if (code == '\t')
      out += "\\t";
    else if (code == ' ' || is_printable(code))
      append_utf8(out, code);
    else if (code < 0x100)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
    else if (code < 0x10000)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    else
      out += fmt::format("\\U{:08x}", static_cast<unsigned>(code));
  }));
  result.append(std::string(1, quote), true);
  return result;
}

} // namespace model_server
