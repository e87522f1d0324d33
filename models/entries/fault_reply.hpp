// What the entry `fault` says when nothing is broken: a sequence that anyone
// can compute again and compare.
#pragma once

#include "models/entry.hpp"

#include <cstdint>
#include <string>

namespace model_server {

/// Longest reply of `fault`, in tokens.
inline constexpr std::size_t max_fault_reply = 32'000;

/// The sixteen bits of token `number` (the first is 1) of a reply with `seed`:
/// the uppermost of splitmix64's output for `seed + number * 2^64 / phi`.
inline std::uint16_t fault_check(std::uint64_t seed, std::uint64_t number) {
  auto x = seed + number * 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return static_cast<std::uint16_t>((x ^ x >> 31) >> 48);
}

/// Token `number` of a reply: the number and its check in one.
inline token_id fault_token(std::uint64_t seed, std::uint64_t number) {
  return static_cast<token_id>(number << 16 | fault_check(seed, number));
}

/// `17:9f3a `, the text of token 17.
std::string fault_text(token_id token);

/// A whole reply of `length` tokens.
std::string fault_reply(std::uint64_t seed, std::size_t length);

} // namespace model_server
