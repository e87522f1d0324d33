// Fills the gaps of wordings that ask for what tiny-chat can't know.
#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/text_pieces.hpp"
#include "models/tiny-chat/wording.hpp"

#include <stdexcept>

namespace model_server::tiny_chat {

beyond_maker::beyond_maker(const std::filesystem::path& file) {
  for (const auto& line : read_lines(file)) {
    if (line.rfind("= ", 0) != 0) {
      wordings_.push_back(line);
      continue;
    }
    auto colon = line.find(':');
    if (colon == std::string::npos)
      throw std::runtime_error{file.string() + ": no colon in: " + line};
    lists_[line.substr(2, colon - 2)] =
        alternatives_of(std::string_view{line}.substr(colon + 1));
  }
}

std::string beyond_maker::make(random_source& random) const {
  auto result = random.one_of(wordings_);
  for (;;) {
    auto open = result.find('{');
    if (open == std::string::npos)
      return result;
    auto close = result.find('}', open);
    auto found = lists_.find(result.substr(open + 1, close - open - 1));
    if (found == lists_.end())
      throw std::runtime_error{"no such list of words: " + result};
    result.replace(open, close - open + 1, random.one_of(found->second));
  }
}

std::vector<std::string> beyond_maker::phrases() const {
  auto result = wordings_;
  for (const auto& [name, words] : lists_)
    result.insert(result.end(), words.begin(), words.end());
  return result;
}

} // namespace model_server::tiny_chat
