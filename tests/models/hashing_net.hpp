// A network without arithmetic that sees when a block holds the wrong thing.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/nets/causal_net.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace model_server::testing {

/// Stores for each token a number made from it and all before it, and checks
/// for every input that the blocks hold the numbers of its beginning. The next
/// token follows from the number of the one before it.
class hashing_net : public causal_net {
public:
  std::size_t vocabulary() const override {
    return 8;
  }

  std::size_t bytes_of_block() const override {
    return kv_block_tokens * sizeof(std::uint64_t);
  }

  void make_blocks(std::size_t count) override {
    memory_.resize(count * kv_block_tokens);
  }

  bool shares_blocks() const override {
    return true;
  }

  bool is_exact() const override {
    return true;
  }

  void forward(std::span<net_input> inputs, float* scores) override {
    for (auto& input : inputs) {
      store(input);
      auto end = input.position + input.tokens.size();
      for (auto place = end - input.scores_wanted; place < end; ++place)
        for (std::size_t i = 0; i < vocabulary(); ++i)
          *scores++ = static_cast<float>(next(at(input, place), i) % 100);
    }
  }

  void use_threads(int) override {
    // none
  }

private:
  static std::uint64_t next(std::uint64_t number, std::uint64_t token) {
    auto result = (number ^ (token + 1)) * 0x9e3779b97f4a7c15u;
    return result ^ (result >> 29);
  }

  std::uint64_t& at(const net_input& input, std::size_t position) {
    auto block = input.blocks[position / kv_block_tokens];
    return memory_.at(block * kv_block_tokens + position % kv_block_tokens);
  }

  void store(const net_input& input) {
    // The tokens before stand in memory just before those that are read: an
    // input is a piece of its sequence's tokens.
    auto before = input.tokens.data() - input.position;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < input.position + input.tokens.size(); ++i) {
      number = next(number, static_cast<std::uint64_t>(before[i]));
      if (i < input.position)
        EXPECT_EQ(at(input, i), number) << "token " << i << " of " << input.id;
      else
        at(input, i) = number;
    }
  }

  std::vector<std::uint64_t> memory_;
};

} // namespace model_server::testing
