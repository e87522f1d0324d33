// Small operations on phrases that the changes of wordings are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace model_server::tiny_chat {

/// Returns the text in lower case (ASCII).
std::string lowered(std::string_view text);

/// Returns the words between spaces.
std::vector<std::string> words_of(std::string_view text);

/// Returns the words with one space between them.
std::string joined(const std::vector<std::string>& words);

/// Returns the parts of `a | b | c` without the spaces around them.
std::vector<std::string> alternatives_of(std::string_view line);

/// Returns the text without spaces and sentence marks at its end.
std::string without_end_marks(std::string_view text);

} // namespace model_server::tiny_chat
