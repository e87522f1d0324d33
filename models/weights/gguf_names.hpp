// What the tensors of published models are called in GGUF files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// Where a published tensor lies.
struct gguf_place {
  std::string name;
  /// The part of a tensor that holds all experts of a layer.
  std::optional<std::uint64_t> expert;

  friend bool operator==(const gguf_place&, const gguf_place&) = default;
};

/// The place of a tensor of a model that was published under these names,
/// `model.layers.3.self_attn.q_proj.weight` say; the numbers there may differ
/// from the published ones as `gguf_traits` says. Nothing for a name that the
/// architecture does not have, and for a tensor that became several.
std::optional<gguf_place> find_gguf_place(std::string_view architecture,
                                          std::string_view published);

} // namespace model_server
