// Puts a config.json together from GGUF metadata, key by key.
#pragma once

#include "models/weights/gguf_file.hpp"
#include "models/weights/gguf_traits.hpp"

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// One document in the making. Keys of the file are given without the name of
/// the architecture before them.
class gguf_config_writer {
public:
  /// Both must outlive this.
  gguf_config_writer(const gguf_file& file, const gguf_traits& traits);

  /// Sizes beyond these are no model but a broken file.
  static constexpr std::int64_t max_extent = 1 << 24;
  static constexpr std::int64_t max_context = 1 << 28;

  std::string key(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name,
                                      std::int64_t least = 1,
                                      std::int64_t most = max_extent) const;
  std::int64_t require_integer(std::string_view name,
                               std::int64_t most = max_extent) const;
  /// Rounded to the fewest digits that a float needs: 1e-05 was written so.
  std::optional<double> number(std::string_view name, double least = -1e9,
                               double most = 1e9) const;
  /// A tensor of `count` factors from 1e-6 to 1e6; empty if there is none.
  std::vector<float> factors(std::string_view tensor, std::size_t count) const;

  void set(std::string_view name, std::int64_t value);
  void set(std::string_view name, double value);
  void set(std::string_view name, bool value);
  void set(std::string_view name, std::string_view value);
  void set(std::string_view name, const char* value);
  void set(std::string_view name, rapidjson::Value value);
  /// Sets it where the file has `from`.
  void copy_integer(std::string_view from, std::string_view name);
  void copy_number(std::string_view from, std::string_view name);

  rapidjson::Value list(const std::vector<float>& values);
  rapidjson::Document& document() {
    return document_;
  }
  rapidjson::Document::AllocatorType& memory() {
    return document_.GetAllocator();
  }

  const gguf_file& file() const {
    return file_;
  }
  const gguf_traits& traits() const {
    return traits_;
  }

private:
  const gguf_file& file_;
  const gguf_traits& traits_;
  rapidjson::Document document_;
};

/// The rope keys, `rope_theta` and `rope_scaling` among them; `head` is the
/// numbers of a head.
void write_gguf_rope(gguf_config_writer& to, std::int64_t head);

/// The keys about experts, of which there are some.
void write_gguf_experts(gguf_config_writer& to, std::int64_t experts);

/// The keys about keys and values that are kept as one small vector; `head` is
/// the numbers of a key where the file says nothing else.
void write_gguf_latent(gguf_config_writer& to, std::int64_t head);

} // namespace model_server
