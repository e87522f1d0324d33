// Tokens that are recognised in the text itself, before it is cut into words.
#pragma once

#include "models/text/marked_text.hpp"
#include "models/text/normalizer.hpp"
#include "models/text/token_table.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// One line of the file's list.
struct added_token {
  std::string content;
  token_id id = 0;
  /// A control token.
  bool special = false;
  /// Takes the white space before it, or after it, with it.
  bool lstrip = false;
  bool rstrip = false;
  /// Doesn't count within a word.
  bool single_word = false;
  /// Is looked for in the normalised text.
  bool normalized = false;
};

/// A stretch of a text: a token, or text between tokens.
struct text_part {
  std::optional<token_id> token;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The set of them, and the search for them.
class added_tokens {
public:
  /// The ids below this one may be those of the model.
  void start_ids_at(std::size_t first) {
    table_.start_ids_at(first);
  }

  /// Adds one. `normal` makes the form in which a normalised one is looked
  /// for. Throws `std::runtime_error` if it is taken or too large.
  void add(added_token token, const normalizer& normal);

  /// Cuts `text` at those tokens that are looked for in normalised text, or at
  /// the others: the leftmost, and there the longest. A special token that
  /// isn't trusted in all its bytes is text.
  std::vector<text_part> split(const marked_text& text, bool normalized) const;

  /// False if no token is looked for in normalised text, or in other text.
  bool any(bool normalized) const {
    return finder(normalized).nodes.size() > 1;
  }

  const token_table& table() const {
    return table_;
  }
  bool is_special(token_id id) const;

private:
  struct node {
    std::vector<std::pair<char, std::uint32_t>> next;
    /// Index in `tokens_`, or -1.
    std::int32_t token = -1;
  };
  /// Node 0 is its root.
  struct letter_tree {
    std::vector<node> nodes = std::vector<node>(1);
    /// The bytes that some token begins with.
    std::array<bool, 256> begins{};
  };
  struct match {
    const added_token* token;
    std::size_t end;
  };

  const letter_tree& finder(bool normalized) const {
    return trees_[normalized ? 1 : 0];
  }
  std::optional<match> longest_at(const letter_tree& tree,
                                  const marked_text& text,
                                  std::size_t at) const;

  std::vector<added_token> tokens_;
  token_table table_;
  std::vector<bool> special_;
  std::vector<letter_tree> trees_ = std::vector<letter_tree>(2);
  std::size_t bytes_ = 0;
  /// Until when the normaliser may be at work on all of them.
  pattern_deadline deadline_ =
      std::chrono::steady_clock::now() + std::chrono::seconds{30};
};

} // namespace model_server
