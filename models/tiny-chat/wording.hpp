// Says a question in other words, as people do.
#pragma once

#include "models/tiny-chat/random.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server::tiny_chat {

/// Changes wordings without changing what they ask for.
class wording_changer {
public:
  /// Reads the lists of phrases in a folder.
  explicit wording_changer(const std::filesystem::path& folder);

  /// Returns a wording with some of these changes: another frame, synonyms, an
  /// opening or closing phrase, a word less, typing errors, other case and
  /// punctuation.
  std::string change(std::string wording, random_source& random) const;

  /// Returns every phrase of the lists, for the tokenizer to learn from.
  std::vector<std::string> phrases() const;

private:
  using group = std::vector<std::string>;

  std::string reframe(const std::string& wording, random_source& random) const;
  std::string swap_synonyms(const std::string& wording,
                            random_source& random) const;
  std::string add_phrases(const std::string& wording,
                          random_source& random) const;
  std::string drop_words(const std::string& wording,
                         random_source& random) const;

  std::vector<group> frames_;
  std::vector<group> synonyms_;
  std::map<std::string, std::vector<std::size_t>> synonyms_of_;
  group openers_, closers_, fillers_;
};

/// Makes requests beyond what the model knows, from wordings with gaps.
class beyond_maker {
public:
  /// Reads lists (`= name: one | two`) and wordings (`what is {name}`).
  explicit beyond_maker(const std::filesystem::path& file);

  /// Returns a wording with its gaps filled.
  std::string make(random_source& random) const;

  /// Returns the wordings and what fills them, for the tokenizer.
  std::vector<std::string> phrases() const;

private:
  std::map<std::string, std::vector<std::string>, std::less<>> lists_;
  std::vector<std::string> wordings_;
};

} // namespace model_server::tiny_chat
