// What transformers says of the tiny random Llamas in tests/data/llama.
#pragma once

#include "models/entry.hpp"
#include "models/weights/json_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace model_server::testing {

/// Where the model of this name lies; tests run in the root of the project.
inline std::filesystem::path llama_folder(const std::string& name) {
  return std::filesystem::path{"tests/data/llama"} / name;
}

/// The models that are there.
inline constexpr const char* llama_names[] = {
    "gqa-tied-bf16", "mqa-untied-fp32", "mha-biases-fp16", "llama3-wide-heads",
    "linear-rope", "qwen2"};

/// Scores and tokens that transformers computed in fp32.
struct llama_reference {
  std::vector<token_id> prompt;
  /// After the prompt, and after each of the first tokens of the reply.
  std::vector<std::vector<float>> scores;
  /// The greedy reply.
  std::vector<token_id> greedy;

  explicit llama_reference(const std::string& name) {
    auto document = read_json_file(llama_folder(name) / "reference.json");
    for (auto& token : document["prompt"].GetArray())
      prompt.push_back(token.GetInt());
    for (auto& token : document["greedy"].GetArray())
      greedy.push_back(token.GetInt());
    for (auto& row : document["scores"].GetArray()) {
      scores.emplace_back();
      for (auto& score : row.GetArray())
        scores.back().push_back(score.GetFloat());
    }
  }
};

} // namespace model_server::testing
