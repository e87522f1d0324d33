// Decoder networks, of whatever family.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/load_watch.hpp"
#include "models/nets/causal_net.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/weights/weight_folder.hpp"

#include <memory>
#include <string>

namespace model_server {

/// Loads a network that runs on the CPU through our own kernels. Weights are
/// used where they are mapped (`weights` is kept for them), rounded to another
/// number format, or packed, as `form` says. Products with int8 and int4
/// weights round their inputs to 8 bits (packed_product.hpp), keys and values
/// are stored as `cache`, and all arithmetic is f32. The result for a sequence
/// is bit for bit the same whatever else is read in the pass, in what pieces
/// its prompt came, and with how many threads. Throws `std::runtime_error` that
/// names a tensor that is missing or has a wrong shape.
std::unique_ptr<causal_net> load_decoder_cpu(
    decoder_spec spec, std::shared_ptr<const weight_folder> weights,
    const weight_form& form, const kernel_set& kernels = best_kernels(),
    const load_watch& watch = nullptr,
    number_format cache = number_format::f16);

/// Loads a network that runs through libtorch on `cpu` or `cuda:N`, without the
/// promise of equal bits. Its weights are rounded to `format`, in which a GPU
/// also computes; a CPU, where this is the reference for the kernels, computes
/// in f32. Throws like `load_decoder_cpu`.
std::unique_ptr<causal_net>
load_decoder_torch(decoder_spec spec,
                   std::shared_ptr<const weight_folder> weights,
                   const std::string& device, number_format format,
                   const load_watch& watch = nullptr);

} // namespace model_server
