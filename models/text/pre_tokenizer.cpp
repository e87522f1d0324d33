// The cuts that tokenizer files ask for.
#include "models/text/pre_tokenizer.hpp"

#include "models/text/byte_alphabet.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <utility>

namespace model_server {

namespace {

/// GPT-2's own way to cut.
constexpr std::string_view gpt2_words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A stretch of a word: a match of the pattern or what lies between two.
struct stretch {
  std::size_t begin;
  std::size_t end;
  bool is_match;
};

/// Finds the stretches of one word that a cut concerns.
using finder =
    std::function<std::vector<stretch>(std::string_view, pattern_deadline)>;

std::vector<stretch> stretches_of(const unicode_pattern& pattern,
                                  std::string_view word,
                                  pattern_deadline deadline) {
  std::vector<stretch> result;
  std::size_t done = 0;
  pattern.find_all(word, deadline, [&](std::size_t begin, std::size_t end) {
    if (done < begin)
      result.push_back({done, begin, false});
    result.push_back({begin, end, true});
    done = end;
  });
  if (done < word.size())
    result.push_back({done, word.size(), false});
  return result;
}

/// Every character that `test` is true of is a match of its own.
std::vector<stretch> characters_of(std::string_view word,
                                   bool (*test)(char32_t)) {
  std::vector<stretch> result;
  for (std::size_t at = 0; at < word.size();) {
    auto front = read_utf8(word.substr(at));
    auto end = at + front.size;
    if (test(front.code))
      result.push_back({at, end, true});
    else if (!result.empty() && !result.back().is_match)
      result.back().end = end;
    else
      result.push_back({at, end, false});
    at = end;
  }
  return result;
}

std::vector<stretch> merge(std::vector<stretch> all,
                           split_behaviour behaviour) {
  if (behaviour == split_behaviour::isolated
      || behaviour == split_behaviour::removed)
    return all;
  std::vector<stretch> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto joins = [&] {
      if (i == 0)
        return false;
      switch (behaviour) {
      case split_behaviour::contiguous:
        return all[i].is_match == all[i - 1].is_match;
      case split_behaviour::merged_with_previous:
        return all[i].is_match && !all[i - 1].is_match;
      default:
        return all[i - 1].is_match && !all[i].is_match;
      }
    };
    if (joins())
      result.back().end = all[i].end;
    else
      result.push_back(all[i]);
  }
  return result;
}

/// Cuts every word of `words`.
void cut(word_list& words, const finder& find, split_behaviour behaviour,
         bool invert, pattern_deadline deadline) {
  auto removes = behaviour == split_behaviour::removed;
  std::vector<std::size_t> ends;
  std::string kept;
  std::size_t base = 0;
  words.for_each([&](std::string_view word) {
    auto all = find(word, deadline);
    if (invert)
      for (auto& each : all)
        each.is_match = !each.is_match;
    for (auto& each : merge(std::move(all), behaviour)) {
      if (each.begin == each.end || (removes && each.is_match))
        continue;
      if (removes)
        kept.append(word.substr(each.begin, each.end - each.begin));
      ends.push_back(removes ? kept.size() : base + each.end);
    }
    base += word.size();
  });
  words.ends = std::move(ends);
  if (removes)
    words.text = std::move(kept);
}

/// Rewrites every word: `write(word, is_first, out)` appends what it becomes.
template <class Write>
void rewrite(word_list& words, const Write& write) {
  std::string text;
  text.reserve(words.text.size() + words.text.size() / 4);
  std::vector<std::size_t> ends;
  ends.reserve(words.ends.size());
  words.for_each([&](std::string_view word) {
    write(word, ends.empty(), text);
    ends.push_back(text.size());
  });
  words.text = std::move(text);
  words.ends = std::move(ends);
}

} // namespace

void pre_tokenizer::add_split(unicode_pattern pattern,
                              split_behaviour behaviour, bool invert) {
  finder find = [pattern = std::move(pattern)](std::string_view word,
                                               pattern_deadline deadline) {
    return stretches_of(pattern, word, deadline);
  };
  steps_.push_back([find = std::move(find), behaviour,
                    invert](word_list& words, pattern_deadline deadline) {
    cut(words, find, behaviour, invert, deadline);
  });
}

void pre_tokenizer::add_digits(bool individual) {
  steps_.push_back([individual](word_list& words, pattern_deadline deadline) {
    auto find = [](std::string_view word, pattern_deadline) {
      return characters_of(word, is_numeric);
    };
    cut(words, find,
        individual ? split_behaviour::isolated : split_behaviour::contiguous,
        false, deadline);
  });
}

void pre_tokenizer::add_punctuation(split_behaviour behaviour) {
  steps_.push_back([behaviour](word_list& words, pattern_deadline deadline) {
    auto find = [](std::string_view word, pattern_deadline) {
      return characters_of(word, is_punctuation);
    };
    cut(words, find, behaviour, false, deadline);
  });
}

void pre_tokenizer::add_byte_level(bool prefix_space, bool use_pattern) {
  if (prefix_space)
    steps_.push_back([](word_list& words, pattern_deadline) {
      rewrite(words, [](std::string_view word, bool, std::string& out) {
        if (!word.starts_with(' '))
          out += ' ';
        out += word;
      });
    });
  if (use_pattern)
    add_split(unicode_pattern{gpt2_words}, split_behaviour::isolated, false);
  steps_.push_back([](word_list& words, pattern_deadline) {
    rewrite(words, [](std::string_view word, bool, std::string& out) {
      for (auto byte : word)
        out += byte_letter(static_cast<unsigned char>(byte));
    });
  });
}

void pre_tokenizer::add_metaspace(std::string letter, prefix_rule prefix,
                                  bool split) {
  steps_.push_back([letter, prefix](word_list& words, pattern_deadline) {
    auto at_start = words.at_start;
    rewrite(words, [&](std::string_view word, bool first, std::string& out) {
      auto wanted = prefix == prefix_rule::always
                    || (prefix == prefix_rule::first && first && at_start);
      if (wanted && !word.starts_with(letter) && !word.starts_with(' '))
        out += letter;
      for (auto c : word)
        if (c == ' ')
          out += letter;
        else
          out += c;
    });
  });
  if (split)
    add_split(unicode_pattern::literal(letter),
              split_behaviour::merged_with_next, false);
}

word_list pre_tokenizer::apply(std::string text, bool at_start,
                               pattern_deadline deadline) const {
  word_list words{std::move(text), {}, at_start};
  if (!words.text.empty())
    words.ends.push_back(words.text.size());
  for (auto& cut_once : steps_)
    cut_once(words, deadline);
  return words;
}

} // namespace model_server
