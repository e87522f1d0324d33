// How the next token is chosen: what a client may ask, and what is in force.
#pragma once

#include "models/token.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// What is added to the score of one token.
struct token_bias {
  token_id id = 0;
  double bias = 0;

  friend bool operator==(const token_bias&, const token_bias&) = default;
};

/// What was asked, by a request or by a model's generation_config.json; what
/// is not set falls through to the next source.
struct sampling_options {
  std::optional<double> temperature;        // 0 is greedy
  std::optional<double> top_p;              // (0, 1]
  std::optional<double> min_p;              // [0, 1]
  std::optional<double> typical_p;          // (0, 1]
  std::optional<std::int64_t> top_k;        // 0 keeps every token
  std::optional<double> repetition_penalty; // > 0, 1 is none
  std::optional<double> presence_penalty;   // [-2, 2]
  std::optional<double> frequency_penalty;  // [-2, 2]

  // Only requests have these.

  /// [-100, 100] each; no id twice.
  std::vector<token_bias> logit_bias = {};
  /// They end the reply as the model's own end tokens do.
  std::vector<token_id> stop_tokens = {};
  /// The token that ends the reply is no earlier than the one after these.
  std::uint32_t min_tokens = 0;
  /// The model cannot end the reply by itself.
  bool ignore_eos = false;
  /// Set if logprobs are wanted: of the drawn token, and of so many of the
  /// likeliest (at most 20).
  std::optional<std::uint32_t> top_logprobs = {};

  friend bool operator==(const sampling_options&,
                         const sampling_options&) = default;
};

/// What is in force for one reply. The defaults are the contract's last resort.
struct sampling_params {
  double temperature = 1.0;
  double top_p = 1.0;
  double min_p = 0.0;
  double typical_p = 1.0;
  std::int64_t top_k = 0;
  double repetition_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  std::vector<token_bias> logit_bias = {};
  std::vector<token_id> stop_tokens = {};
  /// The model's own.
  std::vector<token_id> end_tokens = {};
  std::uint32_t min_tokens = 0;
  bool ignore_eos = false;
  std::optional<std::uint32_t> top_logprobs = {};
  /// Key of the counter-based random numbers: with the position of a token it
  /// decides every draw, so a reply can be continued anywhere.
  std::uint64_t seed = 0;

  /// True if this token, drawn when the reply has `reply_size` others, ends it.
  /// A model that does not draw from scores ends with its end tokens whatever
  /// was asked: it has nothing more to say.
  bool is_end(token_id token, std::size_t reply_size) const;

  friend bool operator==(const sampling_params&,
                         const sampling_params&) = default;
};

/// The first that is set of: the request, the model's own default, the
/// contract's default.
sampling_params resolve(const sampling_options& request,
                        const sampling_options& model_defaults,
                        std::span<const token_id> end_tokens,
                        std::uint64_t seed);

} // namespace model_server
