// Cuts a text into the words within which tokens are made.
#pragma once

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

/// Whether a Metaspace puts its letter in front of a text.
enum class prefix_rule { never, first, always };

/// A chain of cuts.
class pre_tokenizer {
public:
  /// Cuts at the matches of `pattern`, or with `invert` at what lies between.
  void add_split(unicode_pattern pattern, split_behaviour behaviour,
                 bool invert);
  /// Cuts around numbers, or around every single digit.
  void add_digits(bool individual);
  void add_punctuation(split_behaviour behaviour);
  /// Writes bytes as letters; with `use_pattern` cuts as GPT-2 does before.
  void add_byte_level(bool prefix_space, bool use_pattern);
  /// Writes spaces as `letter`; with `split` cuts before each.
  void add_metaspace(std::string letter, prefix_rule prefix, bool split);

  word_list apply(std::string text, bool at_start,
                  pattern_deadline deadline) const;

private:
  using step = std::function<void(word_list&, pattern_deadline)>;
  std::vector<step> steps_;
};

} // namespace model_server
