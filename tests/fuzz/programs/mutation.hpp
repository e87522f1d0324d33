// What mutators of a format have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                        std::size_t max_size);

namespace model_server::testing {

/// Chance, the same for the same seed.
class chance {
public:
  explicit chance(unsigned seed) : random_(seed) {
  }

  /// A number below `count`, which is not 0.
  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>{0, count - 1}(random_);
  }

  bool one_in(std::size_t count) {
    return below(count) == 0;
  }

private:
  std::minstd_rand random_;
};

/// Lets libFuzzer change a text, which may grow by `more` bytes.
inline void mutate(std::string& text, std::size_t more = 64) {
  auto size = text.size();
  if (size + more == 0)
    return;
  text.resize(size + more);
  auto data = reinterpret_cast<std::uint8_t*>(text.data());
  text.resize(LLVMFuzzerMutate(data, size, text.size()));
}

/// The text as libFuzzer wants it, if it fits; else the old one is changed.
inline std::size_t give(const std::string& text, std::uint8_t* data,
                        std::size_t size, std::size_t max_size) {
  if (text.empty() || text.size() > max_size)
    return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

} // namespace model_server::testing
