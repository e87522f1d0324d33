// Watches a reply for the strings that end it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// Finds the first stop string in a text that arrives in pieces, in linear
/// time and however the text is cut. Of several the one that ends first
/// counts; of those the longest. Its state follows from what it was fed.
class stop_matcher {
public:
  /// Empty stops are ignored.
  explicit stop_matcher(const std::vector<std::string>& stops);

  /// Takes the next piece; returns what can be given out now: all but the end
  /// that may be the beginning of a stop, or, once one is there, what comes
  /// before it. After a match it takes and returns nothing. With `counts` false
  /// a stop that ends in this piece is passed over.
  std::string feed(std::string_view text, bool counts = true);

  /// Which stop was found, by its place in the list.
  std::optional<std::size_t> matched() const {
    return matched_;
  }

  /// What was held back, for a text that ends here.
  std::string flush();

private:
  /// What the end of the text has in common with the front of stops.
  struct state {
    std::vector<std::pair<char, std::uint32_t>> next;
    /// The state of the longest end of this one that is a state too.
    std::uint32_t fallback = 0;
    std::uint32_t depth = 0;
    /// The longest stop that ends here, or -1.
    std::int64_t stop = -1;
    std::size_t stop_size = 0;
  };

  std::optional<std::uint32_t> step(std::uint32_t from, char byte) const;
  void add(std::string_view stop, std::size_t index);
  void link();

  std::vector<state> states_;
  std::uint32_t at_ = 0;
  std::string held_;
  std::optional<std::size_t> matched_;
};

} // namespace model_server
