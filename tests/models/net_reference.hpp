// What transformers says of tiny networks: those in tests/data/llama, which are
// stored whole, and those in tests/data/families, whose numbers follow a rule.
#pragma once

#include "tests/models/temporary_folder.hpp"

#include "models/entry.hpp"
#include "models/weights/json_file.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace model_server::testing {

/// The Llamas that are there.
inline constexpr const char* llama_names[] = {
    "gqa-tied-bf16",     "mqa-untied-fp32", "mha-biases-fp16",
    "llama3-wide-heads", "linear-rope",     "qwen2"};

/// Every family's networks that are there.
inline std::vector<std::string> family_names() {
  std::vector<std::string> result;
  for (auto& item : std::filesystem::directory_iterator{"tests/data/families"})
    if (item.path().extension() == ".json")
      result.push_back("family-" + item.path().stem().string());
  std::ranges::sort(result);
  return result;
}

/// All of both.
inline std::vector<std::string> network_names() {
  auto result = family_names();
  result.insert(result.end(), std::begin(llama_names), std::end(llama_names));
  return result;
}

/// The numbers of a tensor of tests/data/families, as make_reference.py there
/// makes them.
inline std::vector<float> numbers_of(const std::string& name, std::size_t count,
                                     float scale, float offset) {
  std::uint32_t seed = 2166136261u;
  for (unsigned char byte : name)
    seed = (seed ^ byte) * 16777619u;
  std::vector<float> result;
  for (std::size_t i = 0; i < count; ++i) {
    auto x = static_cast<std::uint32_t>(i) * 2654435761u + seed;
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    x ^= x >> 16;
    auto unit = static_cast<float>(x >> 8) / 16777216.0f - 0.5f;
    float product = unit * scale;
    result.push_back(product + offset);
  }
  return result;
}

inline std::string json_text(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  value.Accept(writer);
  return buffer.GetString();
}

/// Writes the folder of a network of tests/data/families. The numbers of a
/// tensor follow its name, or else its `numbers`.
inline void write_family_folder(const rapidjson::Document& reference,
                                const temporary_folder& folder) {
  folder.write("config.json", json_text(reference["config"]));
  std::string header = "{";
  std::string data;
  std::string salt = reference["salt"].GetString();
  for (auto& [name, rule] : reference["tensors"].GetObject()) {
    std::size_t count = 1;
    std::string shape;
    for (auto& extent : rule["shape"].GetArray()) {
      count *= extent.GetUint64();
      shape += (shape.empty() ? "" : ",") + std::to_string(extent.GetUint64());
    }
    const auto& seed = rule.HasMember("numbers") ? rule["numbers"] : name;
    auto values =
        numbers_of(salt + seed.GetString(), count, rule["scale"].GetFloat(),
                   rule["offset"].GetFloat());
    auto begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()),
                values.size() * sizeof(float));
    header += (header.size() > 1 ? ",\"" : "\"") + std::string{name.GetString()}
              + R"(":{"dtype":"F32","shape":[)" + shape
              + R"(],"data_offsets":[)" + std::to_string(begin) + ","
              + std::to_string(data.size()) + "]}";
  }
  header += "}";
  std::uint64_t length = header.size();
  std::string prefix(8, '\0');
  std::memcpy(prefix.data(), &length, 8);
  folder.write("model.safetensors", prefix + header + data);
}

/// Where the description of a network lies; tests run in the root of the
/// project.
inline std::filesystem::path reference_path(const std::string& name) {
  if (name.starts_with("family-"))
    return "tests/data/families/" + name.substr(7) + ".json";
  return std::filesystem::path{"tests/data/llama"} / name / "reference.json";
}

/// A way in which folders name the tensors of a family's network, other than
/// that of its reference.
struct other_names {
  std::string network;
  /// What the names begin with in the reference, and in this folder.
  std::string usual;
  std::string here;
  /// If this is not empty, the config.json is the text part of one that is of
  /// this architecture.
  std::string whole = {};
  /// If this is not empty, the embedding is stored a second time, as the head.
  std::string head = {};
};

inline std::vector<other_names> all_other_names() {
  const std::string gemma3 = "Gemma3ForConditionalGeneration";
  return {{"family-gemma3", "model.", "language_model.model.", gemma3},
          {"family-gemma3", "model.", "model.language_model.", gemma3},
          {"family-gemma3", "model.", "language_model.model.", gemma3,
           "language_model.lm_head.weight"},
          {"family-gpt2", "transformer.", ""},
          {"family-gpt-bigcode", "transformer.", ""}};
}

/// Writes the folder of the same network with these names.
inline void write_renamed_folder(const other_names& names,
                                 const temporary_folder& folder) {
  auto document = read_json_file(reference_path(names.network));
  auto& memory = document.GetAllocator();
  rapidjson::Value tensors{rapidjson::kObjectType};
  auto add = [&](const std::string& name, const rapidjson::Value& usual) {
    rapidjson::Value rule{document["tensors"][usual], memory};
    rule.AddMember("numbers", rapidjson::Value{usual, memory}, memory);
    tensors.AddMember(rapidjson::Value{name.c_str(), memory}, rule, memory);
  };
  for (auto& [usual, rule] : document["tensors"].GetObject()) {
    std::string name = usual.GetString();
    if (name.starts_with(names.usual))
      name.replace(0, names.usual.size(), names.here);
    add(name, usual);
    if (name.ends_with("embed_tokens.weight") && !names.head.empty())
      add(names.head, usual);
  }
  document["tensors"] = tensors;
  auto& config = document["config"];
  if (!names.head.empty())
    config["tie_word_embeddings"] = false;
  if (!names.whole.empty()) {
    rapidjson::Value whole{rapidjson::kObjectType}, list{rapidjson::kArrayType};
    list.PushBack(rapidjson::Value{names.whole.c_str(), memory}, memory);
    whole.AddMember("architectures", list, memory);
    whole.AddMember("text_config", config, memory);
    config = whole;
  }
  write_family_folder(document, folder);
}

/// The folder of the network of this name.
inline std::filesystem::path network_folder(const std::string& name) {
  if (!name.starts_with("family-"))
    return std::filesystem::path{"tests/data/llama"} / name;
  static std::map<std::string, temporary_folder> folders;
  auto known = folders.contains(name);
  auto& folder = folders[name];
  if (!known)
    write_family_folder(read_json_file(reference_path(name)), folder);
  return folder.path();
}

/// Scores and tokens that transformers computed in fp32.
struct net_reference {
  std::vector<token_id> prompt;
  /// After the prompt, and after each of the first tokens of the reply.
  std::vector<std::vector<float>> scores;
  /// The greedy reply.
  std::vector<token_id> greedy;

  explicit net_reference(const std::string& name) {
    auto document = read_json_file(reference_path(name));
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
