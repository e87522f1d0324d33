// Cuts words, keeping them in one text.
#include "models/text/word_cuts.hpp"

#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <array>
#include <utility>

namespace model_server {

namespace {

/// Puts stretches together as `behaviour` has it.
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

/// What a character is to BERT.
enum class bert_kind : unsigned char { letter, space, punctuation };

bert_kind bert_kind_of(char32_t code) {
  return is_white_space(code)   ? bert_kind::space
         : is_punctuation(code) ? bert_kind::punctuation
                                : bert_kind::letter;
}

std::array<bert_kind, 128> bert_kinds_of_ascii() {
  std::array<bert_kind, 128> result;
  for (char32_t code = 0; code < result.size(); ++code)
    result[code] = bert_kind_of(code);
  return result;
}

} // namespace

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

void cut(word_list& words, const stretch_finder& find, split_behaviour behaviour,
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

void cut_around(word_list& words, const unicode_pattern& pattern,
                pattern_deadline deadline) {
  std::vector<std::size_t> ends;
  ends.reserve(words.text.size() / 4);
  std::size_t base = 0;
  words.for_each([&](std::string_view word) {
    std::size_t done = 0;
    auto end_at = [&](std::size_t end) {
      if (done < end)
        ends.push_back(base + end);
      done = end;
    };
    pattern.find_all(word, deadline, [&](std::size_t begin, std::size_t end) {
      end_at(begin);
      end_at(end);
    });
    end_at(word.size());
    base += word.size();
  });
  words.ends = std::move(ends);
}

void cut_as_bert(word_list& words) {
  static const auto ascii_kinds = bert_kinds_of_ascii();
  std::string kept;
  kept.reserve(words.text.size());
  std::vector<std::size_t> ends;
  ends.reserve(words.text.size() / 4);
  auto end_word = [&] {
    if (kept.size() > (ends.empty() ? 0 : ends.back()))
      ends.push_back(kept.size());
  };
  words.for_each([&](std::string_view word) {
    while (!word.empty()) {
      auto first = static_cast<unsigned char>(word[0]);
      std::size_t size = 1;
      bert_kind kind;
      if (first < 0x80) {
        kind = ascii_kinds[first];
      } else {
        auto front = read_utf8(word);
        size = front.size;
        kind = bert_kind_of(front.code);
      }
      if (kind != bert_kind::letter)
        end_word();
      if (kind != bert_kind::space)
        kept.append(word, 0, size);
      if (kind == bert_kind::punctuation)
        end_word();
      word.remove_prefix(size);
    }
    end_word();
  });
  words.text = std::move(kept);
  words.ends = std::move(ends);
}

void cut_to_length(word_list& words, std::size_t length) {
  std::vector<std::size_t> ends;
  std::size_t base = 0;
  words.for_each([&](std::string_view word) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < word.size();) {
      at += read_utf8(word.substr(at)).size;
      if (++count == length || at == word.size()) {
        ends.push_back(base + at);
        count = 0;
      }
    }
    base += word.size();
  });
  words.ends = std::move(ends);
}

} // namespace model_server
