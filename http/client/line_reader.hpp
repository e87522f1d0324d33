// Lines that a person types or a program sends.
#pragma once

#include "http/client/interrupt.hpp"

#include <memory>
#include <optional>
#include <string>

namespace model_server {

class line_reader {
public:
  virtual ~line_reader() = default;

  /// The next line without its end, nothing when there is no more. A terminal
  /// shows the prompt. Throws `interrupted` for Ctrl-C, after which it may be
  /// asked again.
  virtual std::optional<std::string> next(const std::string& prompt) = 0;
};

/// A terminal, where lines can be edited and earlier ones are called back.
std::unique_ptr<line_reader> terminal_lines(interrupt_watch& watch);

/// Standard input as it comes.
std::unique_ptr<line_reader> input_lines();

/// All that is left of standard input.
std::string read_all_input();

/// The next line, put together from several where one ends with a backslash.
std::optional<std::string> read_entry(line_reader& lines,
                                      const std::string& prompt);

} // namespace model_server
