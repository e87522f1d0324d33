// What the files are called among which a GGUF model is divided.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// `NAME-00002-of-00003.gguf`, as llama.cpp's gguf-split writes it.
struct part_name {
  /// `NAME`, not empty.
  std::string model;
  /// From 1 to `count`.
  int number = 0;
  int count = 0;

  std::string file() const;
};

/// Nothing if the file is not called so.
std::optional<part_name> read_part_name(std::string_view file);

} // namespace model_server
