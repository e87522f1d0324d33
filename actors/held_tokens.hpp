// Tokens on their way to the client beside their text.
#pragma once

#include "actors/messages.hpp"

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

namespace model_server {

/// Holds tokens back until all of their own text is out: a stop string may cut
/// it off, and a character may need the next token.
class held_tokens {
public:
  /// Takes the next token. `made` are the whole characters that came of its
  /// bytes and of those before them; `is_whole` says that none of its bytes
  /// still waits for the rest of its character.
  void add(token next, std::string_view made, bool is_whole);

  /// The text is complete: what still waited for the rest of its character has
  /// become `made`.
  void complete(std::string_view made);

  /// So many more bytes of text are out; gives the tokens that are out by it.
  std::vector<token> release(std::size_t bytes);

private:
  struct held {
    token what;
    /// Bytes of text up to its end; not known while a character is unfinished.
    std::size_t end;
  };

  void set_open_ends(std::string_view made);

  std::deque<held> waiting_;
  std::size_t bytes_made_ = 0;
  std::size_t bytes_out_ = 0;
};

} // namespace model_server
