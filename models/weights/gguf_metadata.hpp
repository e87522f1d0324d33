// The metadata of a GGUF file, read with errors that name file and key.
#pragma once

#include "models/weights/gguf_value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// Typed reading of the pairs of key and value. Every getter throws
/// `std::runtime_error` that names file, key, value and what is allowed. Views
/// are valid while the file is mapped.
class gguf_metadata {
public:
  using pair = std::pair<std::string_view, gguf_value>;

  gguf_metadata() = default;

  /// `pairs` in any order; `where` names them in errors. Throws if a key is
  /// there twice.
  gguf_metadata(std::vector<pair> pairs, std::string where);

  /// All of them, sorted by key.
  const std::vector<pair>& pairs() const {
    return pairs_;
  }

  const std::string& where() const {
    return where_;
  }

  /// Null if absent.
  const gguf_value* find(std::string_view key) const;

  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least,
                                      std::int64_t most) const;
  std::int64_t require_integer(std::string_view key, std::int64_t least,
                               std::int64_t most) const;
  /// Finite numbers only.
  std::optional<double> number(std::string_view key, double least,
                               double most) const;
  /// UTF-8 only.
  std::optional<std::string_view> text(std::string_view key) const;
  std::string_view require_text(std::string_view key) const;
  /// The array of this key, whose elements are strings, integers (booleans
  /// among them) or any numbers.
  std::optional<gguf_value> strings(std::string_view key) const;
  std::optional<gguf_value> integers(std::string_view key) const;
  std::optional<gguf_value> numbers(std::string_view key) const;

  /// Throws about the value of a key.
  [[noreturn]] void refuse(std::string_view key, std::string_view reason) const;

private:
  const gguf_value* find_array(std::string_view key) const;

  std::vector<pair> pairs_;
  std::string where_;
};

} // namespace model_server
