// What a tokenizer does to text before it is cut into words.
#pragma once

#include "models/text/character_changes.hpp"
#include "models/text/charsmap.hpp"
#include "models/text/marked_text.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/unicode_pattern.hpp"

#include <functional>
#include <string>
#include <vector>

namespace model_server {

/// What BERT's normaliser does, in this order.
struct bert_cleaning {
  /// Control characters go, white space becomes spaces.
  bool clean_text = true;
  /// Chinese characters stand between spaces.
  bool chinese_apart = true;
  /// Letters lose their accents.
  bool strip_accents = true;
  bool lowercase = true;
};

/// A chain of changes to a text, each keeping the marks of its bytes: what
/// comes from untrusted bytes, wholly or in part, is untrusted.
class normalizer {
public:
  /// Puts `prefix` before a text that isn't empty.
  void add_prepend(std::string prefix);
  /// Puts `content` in the place of each match.
  void add_replace(unicode_pattern pattern, std::string content);
  void add_unicode_form(unicode_form form);
  void add_lowercase();
  /// Takes white space off the ends.
  void add_strip(bool left, bool right);
  void add_bert(bert_cleaning cleaning);
  /// Changes each character for itself.
  void add_change(character_change change);
  /// Rewrites by a table of SentencePiece: as the Hugging Face library does, or
  /// with `longest` as SentencePiece itself does.
  void add_charsmap(charsmap map, bool longest);

  bool empty() const {
    return steps_.empty();
  }

  marked_text apply(marked_text text, pattern_deadline deadline) const;

private:
  using step = std::function<marked_text(marked_text, pattern_deadline)>;
  std::vector<step> steps_;
};

} // namespace model_server
