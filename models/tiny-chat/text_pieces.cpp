// Plain string work, ASCII only: the corpus is English.
#include "models/tiny-chat/text_pieces.hpp"

#include <sstream>

namespace model_server::tiny_chat {

std::string lowered(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::vector<std::string> words;
  for (std::string word; in >> word;)
    words.push_back(std::move(word));
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& word : words) {
    if (!result.empty())
      result += ' ';
    result += word;
  }
  return result;
}

std::vector<std::string> alternatives_of(std::string_view line) {
  std::vector<std::string> result;
  for (;;) {
    auto bar = line.find(" | ");
    result.push_back(joined(words_of(line.substr(0, bar))));
    if (bar == std::string_view::npos)
      return result;
    line.remove_prefix(bar + 3);
  }
}

std::string without_end_marks(std::string_view text) {
  while (!text.empty()
         && std::string_view{" ?!.,"}.find(text.back()) != text.npos)
    text.remove_suffix(1);
  return std::string{text};
}

} // namespace model_server::tiny_chat
