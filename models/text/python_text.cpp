// Python's string methods, byte marks carried along.
#include "models/text/python_text.hpp"

#include "models/text/letter_case.hpp"
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

bool is_line_end(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E)
         || code == 0x85 || code == 0x2028 || code == 0x2029;
}

/// Calls `write(out, position, code)` for every character; what it appends
/// has the mark of that character.
template <class Write>
marked_text map_characters(const marked_text& text, const Write& write) {
  marked_text result;
  auto all = std::string_view{text.bytes()};
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    auto front = read_utf8(all.substr(at));
    out.clear();
    write(out, at, front.code);
    result.append(out, text.is_trusted_at(at));
    at += front.size;
  }
  return result;
}

std::vector<marked_text> split_words(const marked_text& text,
                                     std::int64_t limit) {
  std::vector<marked_text> result;
  auto all = std::string_view{text.bytes()};
  std::size_t at = space_size(all);
  while (at < all.size()) {
    auto end = at;
    if (limit >= 0 && static_cast<std::int64_t>(result.size()) == limit)
      end = rstrip_size(all);
    else
      while (end < all.size()) {
        auto front = read_utf8(all.substr(end));
        if (is_python_space(front.code))
          break;
        end += front.size;
      }
    result.push_back(text.slice(at, end));
    at = end + space_size(all.substr(end));
  }
  return result;
}

std::vector<marked_text> split_words_from_right(const marked_text& text,
                                                std::int64_t limit) {
  std::vector<marked_text> result;
  auto all = std::string_view{text.bytes()};
  auto end = rstrip_size(all);
  while (end > 0) {
    auto begin = end;
    if (static_cast<std::int64_t>(result.size()) == limit)
      begin = space_size(all);
    else
      while (begin > 0) {
        auto previous = begin - 1;
        while (is_utf8_continuation(all[previous]))
          --previous;
        if (is_python_space(read_utf8(all.substr(previous)).code))
          break;
        begin = previous;
      }
    result.push_back(text.slice(begin, end));
    end = rstrip_size(all.substr(0, begin));
  }
  std::reverse(result.begin(), result.end());
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

std::vector<marked_text> split_text(const marked_text& text,
                                    const marked_text* separator,
                                    std::int64_t limit, bool from_right) {
  if (!separator)
    return from_right && limit >= 0 ? split_words_from_right(text, limit)
                                    : split_words(text, limit);
  auto all = std::string_view{text.bytes()};
  auto& mark = separator->bytes();
  std::vector<std::size_t> cuts;
  if (from_right && limit >= 0) {
    auto end = all.size();
    while (static_cast<std::int64_t>(cuts.size()) < limit
           && end >= mark.size()) {
      auto at = all.rfind(mark, end - mark.size());
      if (at == std::string_view::npos)
        break;
      cuts.push_back(at);
      end = at;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (auto at = find_bytes(all, mark);
         at != std::string_view::npos
         && (limit < 0 || static_cast<std::int64_t>(cuts.size()) < limit);
         at = find_bytes(all, mark, at + mark.size()))
      cuts.push_back(at);
  }
  std::vector<marked_text> result;
  std::size_t begin = 0;
  for (auto cut : cuts) {
    result.push_back(text.slice(begin, cut));
    begin = cut + mark.size();
  }
  result.push_back(text.slice(begin, all.size()));
  return result;
}

std::vector<marked_text> split_lines(const marked_text& text, bool keep_ends) {
  std::vector<marked_text> result;
  auto all = std::string_view{text.bytes()};
  std::size_t begin = 0;
  for (std::size_t at = 0; at < all.size();) {
    auto front = read_utf8(all.substr(at));
    auto end = at + front.size;
    if (is_line_end(front.code)) {
      if (front.code == '\r' && all.substr(end).starts_with('\n'))
        ++end;
      result.push_back(text.slice(begin, keep_ends ? end : at));
      begin = end;
    }
    at = end;
  }
  if (begin < all.size())
    result.push_back(text.slice(begin, all.size()));
  return result;
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

marked_text upper_text(const marked_text& text) {
  return map_characters(
      text, [](auto& out, auto, auto code) { append_upper(out, code); });
}

marked_text lower_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  return map_characters(text, [&](auto& out, auto at, auto) {
    append_lower(out, all.substr(0, at), all.substr(at));
  });
}

marked_text capitalize_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  return map_characters(text, [&](auto& out, auto at, auto code) {
    if (at == 0)
      append_title(out, code);
    else
      append_lower(out, all.substr(0, at), all.substr(at));
  });
}

marked_text title_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  bool in_word = false;
  return map_characters(text, [&](auto& out, auto at, auto code) {
    if (in_word)
      append_lower(out, all.substr(0, at), all.substr(at));
    else
      append_title(out, code);
    in_word = is_cased(code);
  });
}

marked_text title_words(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  bool at_begin = true;
  std::size_t word = 0;
  return map_characters(text, [&](auto& out, auto at, auto code) {
    auto separates = is_python_space(code)
                     || std::u32string_view{U"-({[<"}.find(code)
                            != std::u32string_view::npos;
    if (at_begin && !separates)
      append_upper(out, code), word = at;
    else
      append_lower(out, all.substr(word, at - word), all.substr(at));
    at_begin = separates;
  });
}

bool is_lower_text(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    auto front = read_utf8(text);
    text.remove_prefix(front.size);
    if (is_cased(front.code) && !is_lower_letter(front.code))
      return false;
    any |= is_lower_letter(front.code);
  }
  return any;
}

bool is_upper_text(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    auto front = read_utf8(text);
    text.remove_prefix(front.size);
    if (is_cased(front.code) && !is_upper_letter(front.code))
      return false;
    any |= is_upper_letter(front.code);
  }
  return any;
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
