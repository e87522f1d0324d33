// Prompts for benchmarks: words, of about as many tokens as are asked for.
#pragma once

#include "http/client/server_link.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace model_server {

/// Makes one prompt after the other, each with other words, so that none has
/// been read before.
class bench_prompts {
public:
  explicit bench_prompts(std::uint64_t seed) : random_(seed) {
  }

  /// How many words come to about `tokens` tokens with this model's tokenizer,
  /// template included: asks the server. Throws `std::runtime_error`.
  void fit(server_link& server, const std::string& model, std::size_t tokens);

  std::string next() {
    return words(count_);
  }

private:
  std::string words(std::size_t count);

  std::mt19937_64 random_;
  std::size_t count_ = 1;
};

/// How many words make `tokens` tokens, when one makes `of_one` and `count` of
/// them make `of_count`.
std::size_t words_for(std::size_t tokens, std::size_t of_one, std::size_t count,
                      std::size_t of_count);

} // namespace model_server
