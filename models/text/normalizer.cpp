// The changes that tokenizer files ask for, with the marks carried along.
#include "models/text/normalizer.hpp"

#include "models/text/utf8.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

marked_text replace_all(const marked_text& text, const unicode_pattern& pattern,
                        const std::string& content, pattern_deadline deadline) {
  marked_text result;
  std::size_t done = 0;
  pattern.find_all(text.bytes(), deadline,
                   [&](std::size_t begin, std::size_t end) {
                     result.append(text, done, begin);
                     result.append(content, text.is_trusted(begin, end));
                     done = end;
                   });
  result.append(text, done, text.size());
  return result;
}

/// Normalises stretch by stretch where trust changes within the text. An ASCII
/// character never joins with what stands before it.
marked_text to_form(const marked_text& text, unicode_form form) {
  auto all = std::string_view{text.bytes()};
  auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(all.begin(), all.end(), is_ascii))
    return text;
  if (text.is_uniform())
    return {to_unicode_form(all, form), text.is_trusted(0, text.size())};
  marked_text result;
  for (std::size_t begin = 0; begin < all.size();) {
    auto end = begin + 1;
    while (end < all.size() && !is_ascii(all[end]))
      ++end;
    result.append(to_unicode_form(all.substr(begin, end - begin), form),
                  text.is_trusted(begin, end));
    begin = end;
  }
  return result;
}

marked_text to_lower(const marked_text& text) {
  marked_text result;
  auto rest = std::string_view{text.bytes()};
  while (!rest.empty()) {
    auto at = text.size() - rest.size();
    auto front = read_utf8(rest);
    std::string lower;
    append_lowercase(lower, front.code);
    result.append(lower, text.is_trusted_at(at));
    rest.remove_prefix(front.size);
  }
  return result;
}

marked_text strip(const marked_text& text, bool left, bool right) {
  auto all = std::string_view{text.bytes()};
  std::size_t begin = 0, end = all.size();
  while (left && begin < end) {
    auto front = read_utf8(all.substr(begin));
    if (!is_white_space(front.code))
      break;
    begin += front.size;
  }
  while (right && begin < end) {
    auto last = end - 1;
    while (last > begin && is_utf8_continuation(all[last]))
      --last;
    if (!is_white_space(read_utf8(all.substr(last)).code))
      break;
    end = last;
  }
  return text.slice(begin, end);
}

} // namespace

void normalizer::add_prepend(std::string prefix) {
  steps_.push_back([prefix](marked_text text, pattern_deadline) {
    if (text.empty())
      return text;
    marked_text result{prefix, true};
    result.append(text);
    return result;
  });
}

void normalizer::add_replace(unicode_pattern pattern, std::string content) {
  steps_.push_back([pattern = std::move(pattern), content = std::move(content)](
                       marked_text text, pattern_deadline until) {
    return replace_all(text, pattern, content, until);
  });
}

void normalizer::add_unicode_form(unicode_form form) {
  steps_.push_back([form](marked_text text, pattern_deadline) {
    return to_form(text, form);
  });
}

void normalizer::add_lowercase() {
  steps_.push_back(
      [](marked_text text, pattern_deadline) { return to_lower(text); });
}

void normalizer::add_strip(bool left, bool right) {
  steps_.push_back([left, right](marked_text text, pattern_deadline) {
    return strip(text, left, right);
  });
}

marked_text normalizer::apply(marked_text text,
                              pattern_deadline deadline) const {
  for (auto& change : steps_)
    text = change(std::move(text), deadline);
  return text;
}

} // namespace model_server
