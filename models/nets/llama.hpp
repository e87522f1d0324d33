// Networks of the Llama family.
#pragma once

#include "models/nets/causal_net.hpp"
#include "models/weights/llama_config.hpp"
#include "models/weights/weight_folder.hpp"

#include <memory>
#include <string>

namespace model_server {

/// Loads a Llama that runs through libtorch on `cpu` or `cuda:N`. Its weights
/// are rounded to `format` (f32, f16 or bf16), in which a GPU also computes; a
/// CPU computes in f32. On the CPU, weights that are f32 already are used where
/// they are mapped, and `weights` is kept for them. Throws
/// `std::runtime_error` that names a tensor that is missing or has a wrong
/// shape.
std::unique_ptr<causal_net>
load_llama_torch(const llama_config& config,
                 std::shared_ptr<const weight_folder> weights,
                 const std::string& device, number_format format);

} // namespace model_server
