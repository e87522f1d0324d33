// Reads, converts and moves the tensors.
#include "models/torch/torch_weights.hpp"

#include "models/nets/matrix_reader.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace model_server {

namespace {

// Reads tensors for a device.
class tensor_reader {
public:
  tensor_reader(const weight_folder& folder, const decoder_spec& spec,
                at::ScalarType format, const at::TensorOptions& options)
      : spec_(spec),
        read_(folder, spec.norm_offset),
        format_(format),
        options_(options) {
  }

  torch_linear matrix(const matrix_source& source) const {
    if (!source.is_there())
      return {};
    auto weights = read_.plain(source, std::nullopt);
    torch_linear result;
    auto& plain = weights.plain;
    auto stored = at::from_blob(const_cast<void*>(plain.data),
                                {static_cast<std::int64_t>(plain.rows),
                                 static_cast<std::int64_t>(plain.columns)},
                                torch_type(plain.format));
    result.weight = stored.to(format_).to(options_);
    // Not where it was if that is gone soon.
    if (result.weight.data_ptr() == plain.data && !weights.storage.empty())
      result.weight = result.weight.clone();
    bytes_ += result.weight.nbytes();
    if (!weights.bias.empty())
      result.bias = vector(weights.bias);
    return result;
  }

  torch_norm norm(const norm_spec& norm, std::size_t size) const {
    return norm.is_there() ? tensors_of(read_.norm(norm, size)) : torch_norm{};
  }

  torch_norm head_norm(const norm_spec& norm, std::size_t heads) const {
    if (!norm.is_there())
      return {};
    auto size = spec_.head;
    if (spec_.head_norm_over == head_norm_scope::head)
      return tensors_of(read_.norm(norm, size));
    auto each = spec_.head_norm_over == head_norm_scope::each_head;
    auto shape = each ? std::vector<std::uint64_t>{heads, size}
                      : std::vector<std::uint64_t>{heads * size};
    auto result = tensors_of(read_.norm(norm, heads * size, shape));
    if (each)
      result.weight = result.weight.reshape(
          {static_cast<std::int64_t>(heads), static_cast<std::int64_t>(size)});
    return result;
  }

  at::Tensor floats(const std::string& name,
                    std::vector<std::uint64_t> shape) const {
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    return vector(read_.floats(name, std::move(shape))).reshape(sizes);
  }

  std::vector<float> host_floats(const std::string& name,
                                 std::size_t size) const {
    return read_.floats(name, {size});
  }

  torch_mlp feed_forward(const mlp_spec& source) const {
    return {matrix(source.gate), matrix(source.up), matrix(source.down)};
  }

  /// Of all that were read for the device so far.
  std::size_t bytes() const {
    return bytes_;
  }

private:
  at::Tensor vector(const std::vector<float>& values) const {
    auto result = at::tensor(values).to(format_).to(options_);
    bytes_ += result.nbytes();
    return result;
  }

  torch_norm tensors_of(const matrix_reader::norm_weights& norm) const {
    torch_norm result{vector(norm.weight), {}};
    if (!norm.bias.empty())
      result.bias = vector(norm.bias);
    return result;
  }

  const decoder_spec& spec_;
  matrix_reader read_;
  at::ScalarType format_;
  at::TensorOptions options_;
  mutable std::size_t bytes_ = 0;
};

torch_latent load_latent(const tensor_reader& read, const latent_spec& source) {
  return {read.matrix(source.query_down), read.matrix(source.down),
          read.matrix(source.up),
          read.norm(source.query_norm, source.query_down.outputs),
          read.norm(source.norm, source.rank)};
}

torch_experts load_experts(const tensor_reader& read,
                           const experts_spec& source) {
  torch_experts result;
  result.router = read.matrix(source.router);
  result.shared_gate = read.matrix(source.shared_gate);
  if (!source.correction.empty())
    result.correction =
        read.host_floats(source.correction, source.experts.size());
  for (auto& expert : source.experts)
    result.all.push_back(read.feed_forward(expert));
  if (source.shared)
    result.shared = read.feed_forward(*source.shared);
  return result;
}

torch_layer load_layer(const tensor_reader& read, const decoder_spec& spec,
                       const layer_spec& source) {
  auto hidden = spec.hidden;
  auto& attention = source.attention;
  torch_layer result;
  result.attention_norm = read.norm(source.attention_norm, hidden);
  result.attention_out_norm = read.norm(source.attention_out_norm, hidden);
  result.mlp_norm = read.norm(source.mlp_norm, hidden);
  result.mlp_out_norm = read.norm(source.mlp_out_norm, hidden);
  result.query_norm = read.head_norm(attention.query_norm, spec.heads);
  result.key_norm = read.head_norm(attention.key_norm, spec.kv_heads);
  result.query = read.matrix(attention.query);
  result.key = read.matrix(attention.key);
  result.value = read.matrix(attention.value);
  result.output = read.matrix(attention.output);
  if (attention.latent)
    result.narrow = load_latent(read, *attention.latent);
  if (!attention.sinks.empty())
    result.sinks = read.floats(attention.sinks, {spec.heads});
  if (source.experts)
    result.mixture = load_experts(read, *source.experts);
  else
    result.feed_forward = read.feed_forward(source.mlp);
  return result;
}

} // namespace

at::ScalarType torch_type(number_format format) {
  switch (format) {
  case number_format::f16:
    return at::kHalf;
  case number_format::bf16:
    return at::kBFloat16;
  default:
    return at::kFloat;
  }
}

torch_weights read_torch_weights(const decoder_spec& spec,
                                 const weight_folder& folder,
                                 at::ScalarType format,
                                 const at::TensorOptions& options,
                                 const load_watch& watch) {
  tensor_reader read{folder, spec, format, options};
  torch_weights result;
  result.embedding = read.matrix(spec.embedding);
  if (!spec.positions.empty())
    result.positions = read.floats(spec.positions, {spec.context, spec.hidden});
  result.embedding_norm = read.norm(spec.embedding_norm, spec.hidden);
  result.norm = read.norm(spec.norm, spec.hidden);
  if (!spec.slopes.empty())
    result.slopes =
        at::tensor(spec.slopes).reshape({-1, 1, 1}).to(options.device());
  result.head =
      spec.scores.is_there() ? read.matrix(spec.scores) : result.embedding;
  for (auto& source : spec.layers) {
    result.layers.push_back(load_layer(read, spec, source));
    if (watch)
      watch(static_cast<double>(result.layers.size())
            / static_cast<double>(spec.layers.size()));
  }
  result.bytes = read.bytes();
  return result;
}

} // namespace model_server
