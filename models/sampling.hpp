// How the next token is chosen: what a client may ask, and what is in force.
#pragma once

#include <cstdint>
#include <optional>

namespace model_server {

/// What was asked, by a request or by a model's generation_config.json; what
/// is not set falls through to the next source.
struct sampling_options {
  std::optional<double> temperature;        // 0 is greedy
  std::optional<double> top_p;              // (0, 1]
  std::optional<double> min_p;              // [0, 1]
  std::optional<std::int64_t> top_k;        // 0 keeps every token
  std::optional<double> repetition_penalty; // > 0, 1 is none
  std::optional<double> presence_penalty;   // [-2, 2]
  std::optional<double> frequency_penalty;  // [-2, 2]

  friend bool operator==(const sampling_options&,
                         const sampling_options&) = default;
};

/// What is in force for one reply. The defaults are the contract's last resort.
struct sampling_params {
  double temperature = 1.0;
  double top_p = 1.0;
  double min_p = 0.0;
  std::int64_t top_k = 0;
  double repetition_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  /// Key of the counter-based random numbers: with the position of a token it
  /// decides every draw, so a reply can be continued anywhere.
  std::uint64_t seed = 0;

  friend bool operator==(const sampling_params&,
                         const sampling_params&) = default;
};

/// The first that is set of: the request, the model's own default, the
/// contract's default.
sampling_params resolve(const sampling_options& request,
                        const sampling_options& model_defaults,
                        std::uint64_t seed);

} // namespace model_server
