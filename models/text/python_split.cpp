// Cuts text into words, pieces and lines.
#include "models/text/python_text.hpp"

#include "models/text/utf8.hpp"

#include <algorithm>

namespace model_server {

namespace {

bool is_line_end(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E)
         || code == 0x85 || code == 0x2028 || code == 0x2029;
}

std::vector<marked_text> split_words(const marked_text& text,
                                     std::int64_t limit) {
  std::vector<marked_text> result;
  auto all = std::string_view{text.bytes()};
  std::size_t at = space_size(all);
  while (at < all.size()) {
    auto end = at;
    if (limit >= 0 && static_cast<std::int64_t>(result.size()) == limit)
      end = all.size();
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
      begin = 0;
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

} // namespace model_server
