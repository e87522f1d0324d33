// A network that says one text over and over.
#pragma once

#include "models/nets/causal_net.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

namespace model_server::testing {

/// Knows only places: what comes next follows from how many tokens there are.
/// May fail in ways that a test chooses.
class reciting_net : public causal_net {
public:
  static constexpr std::size_t nowhere =
      std::numeric_limits<std::size_t>::max();

  /// The token at a place.
  static token_id token_at(std::size_t place) {
    return static_cast<token_id>(place % 10);
  }

  /// The first tokens.
  static std::vector<token_id> text(std::size_t size) {
    std::vector<token_id> result(size);
    for (std::size_t i = 0; i < size; ++i)
      result[i] = token_at(i);
    return result;
  }

  /// The scores behind the token at this place are no numbers.
  std::size_t has_nan_at = nowhere;
  /// This token overflows from a place on, and spoils the scores of those that
  /// are read with it.
  token_id overflows_at = -1;
  std::size_t overflows_from = 0;
  bool exact = true;
  /// What every pass takes.
  std::chrono::microseconds pass_time{0};
  std::size_t passes = 0;

  std::size_t vocabulary() const override {
    return 100;
  }

  std::size_t bytes_of_block() const override {
    return 1;
  }

  void make_blocks(std::size_t) override {
    // It keeps nothing.
  }

  bool shares_blocks() const override {
    return true;
  }

  bool is_exact() const override {
    return exact;
  }

  void forward(std::span<net_input> inputs, float* scores) override {
    using clock = std::chrono::steady_clock;
    auto end_of_pass = clock::now() + pass_time;
    ++passes;
    for (auto& input : inputs) {
      auto end = input.position + input.tokens.size();
      for (auto place = input.position; place < end; ++place)
        input.is_finite &=
            place < overflows_from
            || input.tokens[place - input.position] != overflows_at;
      for (auto place = end - input.scores_wanted; place < end; ++place) {
        std::fill_n(scores, vocabulary(), 0.0f);
        scores[(place + 1) % 10] = 1.0f;
        if (place == has_nan_at || !input.is_finite)
          scores[0] = std::numeric_limits<float>::quiet_NaN();
        scores += vocabulary();
      }
    }
    while (clock::now() < end_of_pass) {
      // As if there were something to compute.
    }
  }

  void use_threads(int) override {
    // none
  }
};

} // namespace model_server::testing
