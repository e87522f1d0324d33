// Tells model folders apart.
#pragma once

#include "models/weights/weight_folder.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace model_server {

/// A number that is the same for folders with the same model and another one for
/// models that were trained differently: FNV-1a over the files that make prompts,
/// over names, formats and shapes of the tensors, and over a few bytes from the
/// beginning, the middle and the end of each. `form` tells how the weights are
/// kept. Never 0. It does not see a change in the middle of a tensor, and is no
/// proof against someone who means to deceive.
std::uint64_t model_digest(const std::filesystem::path& folder,
                           const weight_folder& weights, std::string_view form);

} // namespace model_server
