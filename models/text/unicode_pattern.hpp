// Regular expressions over UTF-8 text, within limits of time and memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace model_server {

/// Until when patterns may be at work on one text.
using pattern_deadline = std::chrono::steady_clock::time_point;

/// A search that runs away on one text. The pattern is in order and finds what
/// it seeks in other texts.
class pattern_gave_up : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A compiled regular expression with the meaning that tokenizer files give
/// it (Oniguruma's, as far as those files use it). Constant after
/// construction; searches may overlap.
class unicode_pattern {
public:
  /// Throws `std::runtime_error` that quotes `pattern` if it can't be used.
  explicit unicode_pattern(std::string_view pattern);

  /// One that finds `text` itself.
  static unicode_pattern literal(std::string_view text);

  /// Called for each match, in order, with where it begins and ends.
  using on_match = std::function<void(std::size_t, std::size_t)>;

  /// Finds all matches that don't overlap in `text`, which is valid UTF-8.
  /// Throws `pattern_gave_up` if the pattern runs away: it takes too many
  /// steps at one place, or goes on past `deadline`.
  void find_all(std::string_view text, pattern_deadline deadline,
                const on_match& found) const;

private:
  struct compiled;
  unicode_pattern() = default;

  /// Set for a literal, which needs no engine.
  std::string literal_;
  std::string source_;
  std::shared_ptr<const compiled> compiled_;
};

} // namespace model_server
