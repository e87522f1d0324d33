// Stored texts with the tokens that the Hugging Face library gives them.
#pragma once

#include "models/entry.hpp"
#include "models/text/json_document.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
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

/// The folder of shared test data, or nothing where there is none.
inline std::optional<std::filesystem::path> shared_data() {
  auto* folder = std::getenv("MODEL_SERVER_TEST_DATA");
  if (!folder)
    return std::nullopt;
  return std::filesystem::path{folder};
}

} // namespace model_server
