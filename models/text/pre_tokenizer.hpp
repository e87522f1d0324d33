// Cuts a text into the words within which tokens are made.
#pragma once

#include "models/text/unicode_pattern.hpp"
#include "models/text/word_cuts.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace model_server {

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

  /// Takes white space away and lets punctuation stand alone, as BERT does.
  void add_bert();
  /// Takes white space away.
  void add_white_space();
  /// Takes white space away and cuts between word characters and others.
  void add_words();
  /// Cuts where one script ends and another begins; spaces belong to the
  /// script before them.
  void add_scripts();
  /// Cuts after every `length` characters, at least one.
  void add_length(std::size_t length);

  /// True if what comes last is writing bytes as letters.
  bool ends_in_byte_letters() const {
    return !steps_.empty() && byte_letters_ == steps_.size();
  }
  /// Leaves that out: the words are bytes.
  void leave_bytes() {
    steps_.pop_back();
  }

  word_list apply(std::string text, bool at_start,
                  pattern_deadline deadline) const;

private:
  using step = std::function<void(word_list&, pattern_deadline)>;
  std::vector<step> steps_;
  /// How many steps there were when the one that writes letters was added.
  std::size_t byte_letters_ = 0;
};

} // namespace model_server
