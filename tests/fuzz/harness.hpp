// What the fuzzers try: functions that read a file nobody vouches for.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <string_view>

namespace model_server {
class tokenizer;
}

namespace model_server::testing {

/// `try_NAME(file)` reads the file and uses whatever comes of it. A file may be
/// refused with a `std::runtime_error`, which ends here; anything else that is
/// thrown is a finding and comes out.
#define FUZZ_HARNESS(name) void try_##name(std::string_view file);
#include "tests/fuzz/harnesses.def"
#undef FUZZ_HARNESS

struct harness {
  std::string_view name;
  void (*run)(std::string_view file);
};

/// All of them.
std::span<const harness> harnesses();

/// Calls f, which may refuse what it reads; false if it does.
template <class F>
bool may_refuse(F f) {
  try {
    f();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

/// Something that holds whatever stands in a file.
inline void require(bool holds, const char* what) {
  if (!holds)
    throw std::logic_error{what};
}

/// Reads every byte, so that a sanitizer sees where they lie.
void touch(std::span<const std::byte> bytes);

/// A folder of this process under the system's one for temporary files, which
/// goes with the process.
const std::filesystem::path& scratch_folder();

/// Writes a file into that folder, over one of the same name.
std::filesystem::path write_scratch(std::string_view name,
                                    std::string_view content);

/// Encodes a fixed text and the front of `file`, and decodes the tokens.
void use_tokenizer(const tokenizer& reads, std::string_view file);

/// Parses a template and renders a fixed conversation within small budgets.
void use_template(std::string_view source);

} // namespace model_server::testing
