// The fuzzer of one harness, which FUZZED names.
#include "tests/fuzz/harness.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  model_server::testing::FUZZED({reinterpret_cast<const char*>(data), size});
  return 0;
}
