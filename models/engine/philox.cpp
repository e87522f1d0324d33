// Ten rounds of Philox4x32.
#include "models/engine/philox.hpp"

namespace model_server {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
  // Multipliers and key increments are the paper's; the increments are the
  // golden ratio and the square root of 3, less 1.
  constexpr std::uint64_t multiply_0 = 0xD2511F53, multiply_1 = 0xCD9E8D57;
  constexpr std::uint32_t add_0 = 0x9E3779B9, add_1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    auto product_0 = multiply_0 * counter[0];
    auto product_1 = multiply_1 * counter[2];
    auto high = [](std::uint64_t x) {
      return static_cast<std::uint32_t>(x >> 32);
    };
    auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    counter = {high(product_1) ^ counter[1] ^ key[0], low(product_1),
               high(product_0) ^ counter[3] ^ key[1], low(product_0)};
    key[0] += add_0;
    key[1] += add_1;
  }
  return counter;
}

double uniform_at(std::uint64_t seed, std::uint64_t position) {
  auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  auto high = [](std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
  };
  auto words =
      philox({low(position), high(position), 0, 0}, {low(seed), high(seed)});
  auto bits = (std::uint64_t{words[0]} << 32) | words[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

} // namespace model_server
