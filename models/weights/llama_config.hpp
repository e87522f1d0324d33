// The config.json of a model of the Llama family, Qwen2 among them.
#pragma once

#include "models/entry.hpp"
#include "models/weights/number_format.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// How positions turn queries and keys.
struct rope_config {
  enum class kind { plain, linear, llama3 };
  kind scaling = kind::plain;
  double theta = 10000.0;
  /// How much longer contexts became; for linear and llama3.
  double factor = 1.0;
  /// llama3 only: between the two, frequencies are blended.
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  double original_context = 8192.0;

  friend bool operator==(const rope_config&, const rope_config&) = default;
};

/// Sizes and choices of a Llama network.
struct llama_config {
  std::size_t vocabulary = 0;
  std::size_t hidden = 0;
  std::size_t intermediate = 0;
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  /// Numbers in a head, even.
  std::size_t head = 0;
  /// Prompt and reply together.
  std::size_t context = 0;
  double norm_epsilon = 1e-6;
  rope_config rope;
  /// The head is the embedding.
  bool is_tied = false;
  bool has_attention_bias = false; // of queries, keys and values
  bool has_output_bias = false;
  bool has_mlp_bias = false;
  /// In which the weights were saved, if it says so.
  std::optional<number_format> format;
  /// Tokens that end a reply; may be empty.
  std::vector<token_id> end_tokens;

  friend bool operator==(const llama_config&, const llama_config&) = default;
};

/// Reads config.json of a model folder, as transformers 4 and 5 write it.
/// Throws `std::runtime_error` for another architecture, an activation or rope
/// scaling that is not built in, and sizes that are missing or do not fit.
llama_config read_llama_config(const std::filesystem::path& folder);

} // namespace model_server
