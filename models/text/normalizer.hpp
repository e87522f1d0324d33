// What a tokenizer does to text before it is cut into words.
#pragma once

#include "models/text/marked_text.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/unicode_pattern.hpp"

#include <functional>
#include <string>
#include <vector>

namespace model_server {

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

  bool empty() const {
    return steps_.empty();
  }

  marked_text apply(marked_text text, pattern_deadline deadline) const;

private:
  using step = std::function<marked_text(marked_text, pattern_deadline)>;
  std::vector<step> steps_;
};

} // namespace model_server
