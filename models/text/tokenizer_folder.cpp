// Looks for a tokenizer's files, in the order of how much they say.
#include "models/text/tokenizer_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace model_server {

namespace {

namespace fs = std::filesystem;

/// The largest published file has 33 MB.
constexpr std::size_t max_file_bytes = std::size_t{128} << 20;

/// All `*.tiktoken` and `tiktoken.model`, by name.
std::vector<fs::path> rank_files(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code error;
  for (auto& entry : fs::directory_iterator{folder, error})
    if (entry.path().extension() == ".tiktoken"
        || entry.path().filename() == "tiktoken.model")
      result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

/// A SentencePiece model begins with its first piece, a list of ranks with
/// letters.
tokenizer_parts read_model_file(const fs::path& path,
                                const tokenizer_settings& settings) {
  auto bytes = read_text_file(path, max_file_bytes);
  return bytes.starts_with('\n')
             ? read_sentence_piece(bytes, path.string(), settings)
             : read_ranks(bytes, path, settings);
}

} // namespace

tokenizer_parts read_tokenizer_folder(const fs::path& folder) {
  auto has = [&](const char* name) { return fs::exists(folder / name); };
  if (auto path = folder / "tokenizer.json"; fs::exists(path))
    return read_tokenizer(read_text_file(path, max_file_bytes), path.string());
  auto settings = read_tokenizer_settings(folder);
  if (has("tokenizer.model"))
    return read_model_file(folder / "tokenizer.model", settings);
  if (has("vocab.json") && has("merges.txt"))
    return read_vocabulary_and_merges(folder, settings);
  if (auto paths = rank_files(folder); !paths.empty())
    return read_ranks(read_text_file(paths[0], max_file_bytes), paths[0],
                      settings);
  if (auto path = folder / "vocab.txt"; fs::exists(path))
    return read_word_list(read_text_file(path, max_file_bytes), path.string(),
                          settings);
  throw std::runtime_error{fmt::format(
      "{}: has no tokenizer: none of tokenizer.json, tokenizer.model, "
      "vocab.json with merges.txt, *.tiktoken, tiktoken.model and vocab.txt is "
      "there",
      folder.string())};
}

std::vector<fs::path> tokenizer_files(const fs::path& folder) {
  auto result = rank_files(folder);
  for (auto* name : {"tokenizer.json", "tokenizer_config.json",
                     "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt",
                     "special_tokens_map.json", "added_tokens.json"})
    if (fs::exists(folder / name))
      result.push_back(folder / name);
  return result;
}

void surround(tokenizer_parts& parts, const tokenizer_settings& settings,
              std::string_view front, std::string_view back) {
  auto put = [&](std::string_view purpose, std::vector<token_id>& where) {
    auto named = settings.named.find(purpose);
    if (named == settings.named.end())
      return;
    if (auto id = parts.added.table().find(named->second.content))
      where.push_back(*id);
  };
  put(front, parts.prefix);
  put(back, parts.suffix);
}

} // namespace model_server
