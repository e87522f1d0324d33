// The entry causal_lm over a tiny random model.
#pragma once

#include "tests/models/letter_tokenizer.hpp"
#include "tests/models/net_reference.hpp"
#include "tests/models/one_reply.hpp"
#include "tests/models/temporary_folder.hpp"

#include "models/model_catalog.hpp"
#include "models/weights/safetensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace model_server::testing {

/// Params by name.
using named_values = std::vector<std::pair<std::string, param_value>>;

/// The entry over a folder, with two threads.
inline std::unique_ptr<model_entry> load(const std::filesystem::path& folder,
                                         named_values more = {},
                                         const std::string& device = "cpu") {
  more.emplace_back("path", folder.string());
  entry_spec spec{{.positional = false, .values = std::move(more)}, device};
  auto result = make_entry("causal_lm", spec);
  result->use_threads(2);
  return result;
}

/// Always the best token.
inline constexpr sampling_params greedy{.temperature = 0.0};

/// A tiny Llama with a tokenizer of letters.
class tiny_model_test : public ::testing::Test {
protected:
  tiny_model_test() {
    for (auto file : {"config.json", "model.safetensors"})
      std::filesystem::copy(network_folder("mqa-untied-fp32") / file,
                            folder.path());
    write_tokenizer(30);
  }

  void write_tokenizer(int size) {
    folder.write("tokenizer.json", letter_tokenizer(size));
  }

  /// Puts a number at a place of a tensor.
  void overwrite(const std::string& name, std::size_t index, float value) {
    auto path = folder.path() / "model.safetensors";
    std::size_t place = 0;
    {
      // Mapped tensors lie in the file's order, the last one at its end.
      safetensors_file file{path};
      auto end = file.find(name)->bytes.data();
      for (auto& [_, tensor] : file.tensors())
        end = std::max(end, tensor.bytes.data() + tensor.bytes.size());
      place = std::filesystem::file_size(path)
              - static_cast<std::size_t>(end - file.find(name)->bytes.data());
    }
    std::fstream stream{path, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekp(static_cast<std::streamoff>(place + index * sizeof(value)));
    stream.write(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  std::string refusal(named_values params, const std::string& device = "cpu") {
    return error_of([&] { load(folder.path(), std::move(params), device); });
  }

  temporary_folder folder;
};

} // namespace model_server::testing
