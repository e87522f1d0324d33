// Draws request ids and seeds.
#include "http/request_id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace model_server {

namespace {

/// Random, but nothing secret hangs on it.
std::uint64_t draw() {
  thread_local std::mt19937_64 source = [] {
    std::random_device device;
    std::seed_seq seeds{device(), device(), device(), device()};
    return std::mt19937_64{seeds};
  }();
  return source();
}

bool is_request_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':'
         || c == '-';
}

} // namespace

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128
         && std::ranges::all_of(text, is_request_id_char);
}

std::string new_request_id() {
  return fmt::format("{:016x}", draw());
}

std::uint64_t new_seed() {
  return draw() >> 11;
}

} // namespace model_server
