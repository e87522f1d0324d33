// The changes that tokenizer files ask for, with the marks carried along.
#include "models/text/normalizer.hpp"

#include "models/text/growth.hpp"
#include "models/text/utf8.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

/// Changes each run of equal trust for itself.
template <class Change>
marked_text by_runs(const marked_text& text, const Change& change) {
  if (text.is_uniform())
    return {change(text.bytes()), text.is_trusted(0, text.size())};
  marked_text result;
  for (auto& run : text.segments())
    result.append(change(run.text), run.trusted);
  return result;
}

marked_text replace_all(const marked_text& text, const unicode_pattern& pattern,
                        const std::string& content, pattern_deadline deadline) {
  auto all = std::string_view{text.bytes()};
  std::size_t done = 0;
  if (text.is_uniform()) {
    std::string result;
    result.reserve(all.size() + all.size() / 4);
    pattern.find_all(all, deadline, [&](std::size_t begin, std::size_t end) {
      result.append(all, done, begin - done).append(content);
      done = end;
      check_growth(result.size(), all.size());
    });
    result.append(all, done);
    return {std::move(result), text.is_trusted(0, text.size())};
  }
  marked_text result;
  pattern.find_all(all, deadline, [&](std::size_t begin, std::size_t end) {
    result.append(text, done, begin);
    result.append(content, text.is_trusted(begin, end));
    done = end;
    check_growth(result.size(), all.size());
  });
  result.append(text, done, text.size());
  return result;
}

/// Normalises the stretches that aren't ASCII, each with the character before
/// it. An ASCII character never joins with what stands before it.
marked_text to_form(const marked_text& text, unicode_form form) {
  auto all = std::string_view{text.bytes()};
  auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  marked_text result;
  for (std::size_t done = 0; done < all.size();) {
    auto foreign = static_cast<std::size_t>(
        std::find_if_not(all.begin() + static_cast<std::ptrdiff_t>(done),
                         all.end(), is_ascii)
        - all.begin());
    if (done == 0 && foreign == all.size())
      return text;
    auto begin = foreign > done && foreign < all.size() ? foreign - 1 : foreign;
    auto end = foreign;
    while (end < all.size() && !is_ascii(all[end]))
      ++end;
    result.append(text, done, begin);
    result.append(to_unicode_form(all.substr(begin, end - begin), form),
                  text.is_trusted(begin, end));
    done = end;
  }
  return result;
}

marked_text rewrite(const marked_text& text, const charsmap& map,
                    bool longest) {
  auto all = std::string_view{text.bytes()};
  marked_text result;
  auto take = [&](std::size_t begin, std::size_t end,
                  std::optional<std::string_view> becomes) {
    if (becomes)
      result.append(*becomes, text.is_trusted(begin, end));
    else
      result.append(text, begin, end);
    check_growth(result.size(), all.size());
  };
  if (longest)
    map.rewrite_longest(all, take);
  else
    map.rewrite_graphemes(all, take);
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
  add_change(append_lowercase);
}

void normalizer::add_strip(bool left, bool right) {
  steps_.push_back([left, right](marked_text text, pattern_deadline) {
    return strip(text, left, right);
  });
}

void normalizer::add_bert(bert_cleaning cleaning) {
  if (cleaning.clean_text)
    add_change(append_cleaned);
  if (cleaning.chinese_apart)
    add_change(append_chinese_apart);
  if (cleaning.strip_accents) {
    add_unicode_form(unicode_form::nfd);
    add_change(append_unless_accent);
  }
  if (cleaning.lowercase)
    add_lowercase();
}

void normalizer::add_change(character_change change) {
  steps_.push_back([map = character_map{change}](marked_text text,
                                                 pattern_deadline) {
    return by_runs(text, [&](std::string_view run) { return map.apply(run); });
  });
}

void normalizer::add_charsmap(charsmap map, bool longest) {
  steps_.push_back(
      [map = std::move(map), longest](marked_text text, pattern_deadline) {
        return rewrite(text, map, longest);
      });
}

marked_text normalizer::apply(marked_text text,
                              pattern_deadline deadline) const {
  auto size = text.size();
  for (auto& change : steps_) {
    text = change(std::move(text), deadline);
    check_growth(text.size(), size);
  }
  return text;
}

} // namespace model_server
