// The words by which a chat tells the entry `fault` what to break, and when.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace model_server {

/// What happens instead of a token, or before it.
enum class fault_kind {
  /// Sleeps, then goes on.
  sleep,
  /// Throws a std::runtime_error.
  throw_error,
  /// Throws an int, which no handler of std::exception sees.
  throw_int,
  /// Ends the process: SIGABRT, SIGSEGV, or an exit with status 70.
  abort,
  segv,
  exit,
  /// Never comes back.
  hang,
  /// Ends this reply as NaN among its scores would; the others go on.
  nan,
  /// The token's text is no UTF-8.
  bad_utf8,
  /// This token and the next are the two bytes of one character.
  split,
};

/// One fault and its place in the reply.
struct fault {
  fault_kind kind = fault_kind::throw_error;
  /// The token that it comes at, the first is 1; 0 is every token.
  std::size_t at = 0;
  /// Only in a reply that began here, not in one that is resumed.
  bool once = false;
  /// Milliseconds of a sleep.
  unsigned milliseconds = 0;

  friend bool operator==(const fault&, const fault&) = default;
};

/// How one reply goes.
struct fault_plan {
  /// Tokens of the reply.
  std::size_t length = 20;
  /// Tokens of a step.
  std::size_t burst = 1;
  /// Steps that read the prompt and make no token.
  std::size_t prompt_steps = 0;
  std::vector<fault> faults;

  friend bool operator==(const fault_plan&, const fault_plan&) = default;
};

/// A word that looks like a command and is none.
class bad_command : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Adds the commands among the words of `text` to `plan`. Words without `=` and
/// `@` are no commands. Throws `bad_command` that names the word.
void add_commands(fault_plan& plan, std::string_view text);

} // namespace model_server
