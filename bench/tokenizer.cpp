// How many bytes of text a second a tokenizer takes. Reads the texts, then
// answers each line with a line of JSON; tokenizer.py puts a rival beside it.
#include "models/text/tokenizer.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

using namespace model_server;

namespace {

// Texts, each behind a line that says how many bytes it has.
std::vector<std::string> read_texts(const char* path) {
  std::ifstream file{path, std::ios::binary};
  std::vector<std::string> result;
  for (std::string line; std::getline(file, line);) {
    std::string text(std::stoul(line), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    result.push_back(std::move(text));
  }
  return result;
}

// The same as in tokenizer_rival.py.
std::uint32_t digest(const std::vector<token_id>& tokens) {
  std::uint32_t result = 2166136261u;
  for (auto token : tokens)
    result = (result ^ static_cast<std::uint32_t>(token)) * 16777619u;
  return result;
}

// A file with which SentencePiece takes all of a text for text.
bool is_sentence_piece(const std::filesystem::path& path) {
  return path.extension() == ".model";
}

void answer(const tokenizer& tokens, bool trusted,
            const std::vector<std::string>& texts) {
  std::vector<std::vector<token_id>> ids(texts.size());
  auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < texts.size(); ++i)
    ids[i] = tokens.encode(texts[i], trusted);
  std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - begin;
  std::printf("{\"seconds\": %.6f, \"digests\": [", taken.count());
  for (std::size_t i = 0; i < ids.size(); ++i)
    std::printf("%s%u", i == 0 ? "" : ", ", digest(ids[i]));
  std::printf("]}\n");
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s tokenizer.json|tokenizer.model TEXTS\n",
                 argv[0]);
    return 2;
  }
  try {
    std::filesystem::path path{argv[1]};
    auto tokens = is_sentence_piece(path)
                      ? tokenizer::from_folder(path.parent_path())
                      : tokenizer::from_file(path);
    auto texts = read_texts(argv[2]);
    for (std::string line; std::getline(std::cin, line);)
      answer(tokens, !is_sentence_piece(path), texts);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
