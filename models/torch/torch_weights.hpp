// The weights of a decoder as tensors on a device. For the torch module alone.
#pragma once

#include "models/load_watch.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/weights/number_format.hpp"
#include "models/weights/weight_folder.hpp"

#include <ATen/ATen.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace model_server {

struct torch_linear {
  at::Tensor weight; // [out, in]; undefined if there is none
  at::Tensor bias;   // [out] or undefined

  at::Tensor operator()(const at::Tensor& x) const {
    return at::linear(x, weight, bias);
  }
};

/// Undefined where there is no norm.
struct torch_norm {
  at::Tensor weight, bias;
};

struct torch_mlp {
  torch_linear gate, up, down;
};

struct torch_experts {
  torch_linear router, shared_gate;
  std::vector<float> correction;
  std::vector<torch_mlp> all;
  std::optional<torch_mlp> shared;
};

struct torch_latent {
  torch_linear query_down, down, up;
  torch_norm query_norm, norm;
};

struct torch_layer {
  torch_norm attention_norm, attention_out_norm, mlp_norm, mlp_out_norm;
  torch_norm query_norm, key_norm;
  torch_linear query, key, value, output;
  std::optional<torch_latent> narrow;
  at::Tensor sinks; // [heads] or undefined
  torch_mlp feed_forward;
  std::optional<torch_experts> mixture;
};

struct torch_weights {
  torch_linear embedding; // [vocabulary, hidden]
  at::Tensor positions;   // [context, hidden] or undefined
  at::Tensor slopes;      // [heads, 1, 1] or undefined
  torch_norm embedding_norm, norm;
  torch_linear head;
  std::vector<torch_layer> layers;
  /// Of all that was read for the device.
  std::size_t bytes = 0;
};

at::ScalarType torch_type(number_format format);

/// Reads all that `spec` names, through `format`, for the device and type of
/// `options`. Tensors may lie in the mapped files of `folder`. Throws
/// `std::runtime_error` that names a tensor that is missing or has a wrong
/// shape. `watch` hears how many layers there are.
torch_weights read_torch_weights(const decoder_spec& spec,
                                 const weight_folder& folder,
                                 at::ScalarType format,
                                 const at::TensorOptions& options,
                                 const load_watch& watch);

} // namespace model_server
