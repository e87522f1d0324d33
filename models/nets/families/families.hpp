// The families of networks that this build knows.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/weights/json_file.hpp"

#include <filesystem>
#include <span>
#include <string_view>

namespace model_server {

/// One family: what a config.json calls it, and how its config.json is read.
struct family {
  /// `model_type`: `qwen2`.
  std::string_view type;
  /// `architectures`: `Qwen2ForCausalLM`.
  std::string_view architecture;
  decoder_spec (*read)(const config_fields& config);
};

/// All of them, one line each in families.def.
std::span<const family> families();

/// Reads config.json of a model folder. Throws `std::runtime_error` for an
/// architecture that is not built in, and for what its family cannot read.
decoder_spec read_decoder_spec(const std::filesystem::path& folder);

/// The same from an object; `where` stands for the file in errors.
decoder_spec read_decoder_spec(const rapidjson::Value& config,
                               const std::string& where);

} // namespace model_server
