// A GGUF file in pieces that can be changed and put together again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server::testing {

/// Lengths and counts are not kept: they follow from what is there.
struct gguf_pieces {
  struct value {
    std::uint32_t type = 0;
    bool is_array = false;
    /// Of numbers.
    std::string bytes;
    /// Of strings; one if it is no array.
    std::vector<std::string> texts;
  };
  struct pair {
    std::string key;
    gguf_pieces::value value;
  };
  struct tensor {
    std::string name;
    std::vector<std::uint64_t> extents; // as files have them
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
  };

  std::vector<pair> pairs;
  std::vector<tensor> tensors;
  std::string data;

  /// Takes a file apart, as far as it can be read.
  explicit gguf_pieces(std::string_view file);

  /// Puts the tensors one behind the other, in at most `most` bytes of data.
  void place(std::size_t most);

  std::string file() const;
};

} // namespace model_server::testing
