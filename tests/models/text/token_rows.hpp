// Stored texts with the tokens that other libraries give them.
#pragma once

#include "models/entry.hpp"
#include "models/text/json_document.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// One line of such a file; what isn't set is as `ids` or `text` say.
struct token_row {
  std::string text;
  std::vector<token_id> ids;
  std::optional<std::vector<token_id>> with_special;
  std::optional<std::vector<token_id>> untrusted;
  std::optional<std::string> decoded;
};

inline std::vector<token_id> read_ids(const rapidjson::Value& list) {
  std::vector<token_id> result;
  for (auto& id : list.GetArray())
    result.push_back(id.GetInt());
  return result;
}

inline std::vector<token_row>
read_token_rows(const std::filesystem::path& path) {
  std::vector<token_row> result;
  std::ifstream file{path};
  std::string line;
  while (std::getline(file, line)) {
    json_document document{line, path.string()};
    auto& json = document.root();
    token_row row;
    row.text = text_of(json["text"]);
    row.ids = read_ids(json["ids"]);
    if (auto* ids = find_member(json, "with_special"))
      row.with_special = read_ids(*ids);
    if (auto* ids = find_member(json, "untrusted"))
      row.untrusted = read_ids(*ids);
    if (auto* text = find_member(json, "decoded"))
      row.decoded = text_of(*text);
    result.push_back(std::move(row));
  }
  return result;
}

/// llama.cpp's test of a vocabulary, `ggml-vocab-NAME.gguf`: its texts, and a
/// line of ids for each. Nothing where one of both is lacking.
inline std::vector<token_row>
read_llama_cpp_rows(const std::filesystem::path& vocabulary) {
  auto open = [&](const char* kind) {
    return std::ifstream{std::filesystem::path{vocabulary} += kind};
  };
  auto input = open(".inp"), output = open(".out");
  std::string texts{std::istreambuf_iterator<char>{input}, {}};
  constexpr std::string_view mark = "\n__ggml_vocab_test__\n";
  std::vector<token_row> result;
  std::string line;
  std::size_t begin = 0;
  for (auto end = texts.find(mark);
       end != std::string::npos && std::getline(output, line);
       end = texts.find(mark, begin)) {
    token_row row;
    row.text = texts.substr(begin, end - begin);
    std::istringstream numbers{line};
    for (token_id id; numbers >> id;)
      row.ids.push_back(id);
    result.push_back(std::move(row));
    begin = end + mark.size();
  }
  return result;
}

/// Names of shared tokenizers, and the files that say the same as their
/// tokenizer.json.
inline const std::pair<std::string, std::vector<std::string>>
    other_tokenizer_files[] = {
        {"bert-base-uncased", {"vocab.txt"}},
        {"gpt-oss", {"o200k_base.tiktoken", "tokenizer_config.json"}},
        {"llama-2",
         {"tokenizer.model", "tokenizer_config.json",
          "special_tokens_map.json"}},
        {"llama-3",
         {"tokenizer.model", "tokenizer_config.json",
          "special_tokens_map.json"}},
        {"mistral-7b-v0.2",
         {"tokenizer.model", "tokenizer_config.json",
          "special_tokens_map.json"}},
        {"qwen3", {"vocab.json", "merges.txt", "tokenizer_config.json"}}};

/// The folder of shared test data, or nothing where there is none.
inline std::optional<std::filesystem::path> shared_data() {
  auto* folder = std::getenv("MODEL_SERVER_TEST_DATA");
  if (!folder)
    return std::nullopt;
  return std::filesystem::path{folder};
}

} // namespace model_server
