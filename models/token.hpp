// What a model counts text in, and how likely it finds a piece of it.
#pragma once

#include <cstdint>
#include <vector>

namespace model_server {

/// A piece of text as the model counts it; never negative.
using token_id = std::int32_t;

/// How likely a model finds a token at some place: the natural logarithm of its
/// chance, at least `least_logprob`.
struct token_logprob {
  token_id id = 0;
  float logprob = 0;

  friend bool operator==(const token_logprob&, const token_logprob&) = default;
};

/// Stands for every smaller logprob, that of a token without any chance
/// included: JSON has no infinity, and clients know this one.
inline constexpr float least_logprob = -9999.0f;

/// Logprobs at one place of a reply.
struct place_logprobs {
  /// Of the token that was drawn.
  float drawn = 0;
  /// The likeliest ones, the best first, lower ids first among equals.
  std::vector<token_logprob> best = {};

  friend bool operator==(const place_logprobs&,
                         const place_logprobs&) = default;
};

} // namespace model_server
