// Reads the corpus that tiny-chat is trained on and measured with.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace model_server::tiny_chat {

/// One thing that tiny-chat knows: the ways to ask for it and its one answer.
struct corpus_item {
  /// Unique name, in square brackets in the file.
  std::string key;
  /// Wordings that the model is trained on.
  std::vector<std::string> wordings;
  /// Wordings that the model never sees in training; it is measured with them.
  std::vector<std::string> held_out;
  /// What the model answers, word for word.
  std::string answer;
};

/// Key of the item that stands for everything that the model does not know.
inline constexpr std::string_view beyond_key = "beyond";

/// Reads every .txt file of a folder, in the order of their names. Throws
/// `std::runtime_error` that names file and line when one is malformed.
std::vector<corpus_item> read_corpus(const std::filesystem::path& folder);

/// Reads the lines of a text file that are neither empty nor comments.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// Returns a wording in lower case, letters and digits only, one space between
/// words: two wordings with the same normal form count as the same wording.
std::string normal_form(std::string_view wording);

} // namespace model_server::tiny_chat
