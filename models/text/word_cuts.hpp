// Words of a text, and the ways to cut them into smaller ones.
#pragma once

#include "models/text/growth.hpp"
#include "models/text/unicode_pattern.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What becomes of the places where a pattern matches.
enum class split_behaviour {
  removed,
  isolated,
  merged_with_previous,
  merged_with_next,
  contiguous,
};

/// A text and where its words end; no word is empty, together they are it.
struct word_list {
  std::string text;
  std::vector<std::size_t> ends;
  /// The text is the front of what is being encoded.
  bool at_start = false;

  /// Calls `use(word)` for each word.
  template <class Use>
  void for_each(Use&& use) const {
    std::size_t begin = 0;
    for (auto end : ends) {
      use(std::string_view{text}.substr(begin, end - begin));
      begin = end;
    }
  }
};

/// A stretch of a word: a match of the pattern or what lies between two.
struct stretch {
  std::size_t begin;
  std::size_t end;
  bool is_match;
};

/// Finds the stretches of one word that a cut concerns; together they are it.
using stretch_finder =
    std::function<std::vector<stretch>(std::string_view, pattern_deadline)>;

/// The matches of `pattern` in a word and what lies between them.
std::vector<stretch> stretches_of(const unicode_pattern& pattern,
                                  std::string_view word,
                                  pattern_deadline deadline);

/// Every character that `test` is true of is a match of its own.
std::vector<stretch> characters_of(std::string_view word,
                                   bool (*test)(char32_t));

/// Cuts every word of `words`; with `invert` a match is what lies between.
void cut(word_list& words, const stretch_finder& find,
         split_behaviour behaviour, bool invert, pattern_deadline deadline);

/// Cuts every word before and behind each match.
void cut_around(word_list& words, const unicode_pattern& pattern,
                pattern_deadline deadline);

/// Takes white space away and lets punctuation stand alone, as BERT does.
void cut_as_bert(word_list& words);

/// Cuts after every `length` characters, at least one.
void cut_to_length(word_list& words, std::size_t length);

/// Rewrites every word: `write(word, is_first, out)` appends what it becomes,
/// which is not nothing.
template <class Write>
void rewrite(word_list& words, const Write& write) {
  std::string text;
  text.reserve(words.text.size() + words.text.size() / 4);
  std::vector<std::size_t> ends;
  ends.reserve(words.ends.size());
  words.for_each([&](std::string_view word) {
    write(word, ends.empty(), text);
    ends.push_back(text.size());
    check_growth(text.size(), words.text.size());
  });
  words.text = std::move(text);
  words.ends = std::move(ends);
}

} // namespace model_server
