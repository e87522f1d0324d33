// What transformers makes of texts: tiny networks in tests/data/embeddings,
// whose numbers follow a rule.
#pragma once

#include "tests/models/letter_tokenizer.hpp"
#include "tests/models/net_reference.hpp"

#include <map>
#include <string>
#include <vector>

namespace model_server::testing {

/// A text and what each way of pooling makes of it, not normalised.
struct embedded_text {
  std::vector<token_id> tokens;
  std::map<std::string, std::vector<float>> pooled;
};

inline rapidjson::Document embedding_file(const std::string& name) {
  return read_json_file("tests/data/embeddings/" + name + ".json");
}

/// Writes the folder of such a network, with a tokenizer of letters.
inline void write_embedding_folder(const std::string& name,
                                   const temporary_folder& folder) {
  write_family_folder(embedding_file(name), folder);
  folder.write("tokenizer.json", letter_tokenizer(99));
}

inline std::vector<embedded_text> embedded_texts(const std::string& name) {
  std::vector<embedded_text> result;
  auto document = embedding_file(name);
  for (auto& text : document["texts"].GetArray()) {
    auto& item = result.emplace_back();
    for (auto& token : text["tokens"].GetArray())
      item.tokens.push_back(token.GetInt());
    for (auto* how : {"mean", "cls", "last"})
      for (auto& number : text[how].GetArray())
        item.pooled[how].push_back(number.GetFloat());
  }
  return result;
}

} // namespace model_server::testing
