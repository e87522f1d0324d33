// A decoder through libtorch: every device, and the reference for the kernels.
#include "models/torch/module.hpp"

#include "models/kernels/attention.hpp"
#include "models/memory_usage.hpp"
#include "models/nets/expert_choice.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/nets/rope.hpp"
#include "models/torch/torch_threads.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace model_server {

namespace {

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

struct linear {
  at::Tensor weight; // [out, in]; undefined if there is none
  at::Tensor bias;   // [out] or undefined

  at::Tensor operator()(const at::Tensor& x) const {
    return at::linear(x, weight, bias);
  }
};

// Undefined where there is no norm.
struct norm_tensors {
  at::Tensor weight, bias;
};

struct mlp {
  linear gate, up, down;
};

struct experts {
  linear router, shared_gate;
  std::vector<float> correction;
  std::vector<mlp> all;
  std::optional<mlp> shared;
};

struct latent {
  linear query_down, down, up;
  norm_tensors query_norm, norm;
};

struct layer {
  norm_tensors attention_norm, attention_out_norm, mlp_norm, mlp_out_norm;
  norm_tensors query_norm, key_norm;
  linear query, key, value, output;
  std::optional<latent> narrow;
  at::Tensor sinks; // [heads] or undefined
  mlp feed_forward;
  std::optional<experts> mixture;
};

// Cosines and sines of each new token's position, [n, 1, pairs].
struct turns {
  at::Tensor cosines, sines;
};

// Keys (turned) and values of one layer, [kv_heads, capacity, head].
struct layer_cache {
  at::Tensor keys, values;
};

// All layers of one sequence, which finds only its own.
using torch_cache = std::vector<layer_cache>;

// Appends `fresh` [kv_heads, n, head] behind the first `size` tokens and
// returns all of them.
at::Tensor append(at::Tensor& store, const at::Tensor& fresh,
                  std::int64_t size) {
  auto needed = size + fresh.size(1);
  if (!store.defined() || store.size(1) < needed) {
    auto capacity = std::max<std::int64_t>(64, needed + needed / 2);
    auto larger =
        at::empty({fresh.size(0), capacity, fresh.size(2)}, fresh.options());
    if (size > 0)
      larger.narrow(1, 0, size).copy_(store.narrow(1, 0, size));
    store = larger;
  }
  store.narrow(1, size, fresh.size(1)).copy_(fresh);
  return store.narrow(1, 0, needed);
}

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

  linear matrix(const matrix_source& source) const {
    if (!source.is_there())
      return {};
    auto weights = read_.plain(source, std::nullopt);
    linear result;
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

  norm_tensors norm(const norm_spec& norm, std::size_t size) const {
    return norm.is_there() ? tensors_of(read_.norm(norm, size))
                           : norm_tensors{};
  }

  norm_tensors head_norm(const norm_spec& norm, std::size_t heads) const {
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

  mlp feed_forward(const mlp_spec& source) const {
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

  norm_tensors tensors_of(const matrix_reader::norm_weights& norm) const {
    norm_tensors result{vector(norm.weight), {}};
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

at::Tensor activated(activation kind, const at::Tensor& gate,
                     const at::Tensor& up) {
  at::Tensor result;
  switch (kind) {
  case activation::silu:
    result = at::silu(gate);
    break;
  case activation::gelu:
    result = at::gelu(gate);
    break;
  case activation::gelu_tanh:
    result = at::gelu(gate, "tanh");
    break;
  case activation::relu:
    result = at::relu(gate);
    break;
  case activation::relu_squared:
    result = at::relu(gate).square();
    break;
  case activation::quick_gelu:
    result = gate * at::sigmoid(gate * 1.702);
    break;
  case activation::clamped_swiglu: {
    auto bounded = gate.clamp_max(7.0);
    return (up.clamp(-7.0, 7.0) + 1.0) * bounded * at::sigmoid(bounded * 1.702);
  }
  }
  return up.defined() ? result * up : result;
}

class decoder_torch : public causal_net, public memory_user {
public:
  decoder_torch(decoder_spec spec, std::shared_ptr<const weight_folder> weights,
                const std::string& device, number_format format,
                const load_watch& watch)
      : spec_(std::move(spec)),
        weights_(std::move(weights)),
        format_(torch_type(format)),
        options_(at::TensorOptions().device(device)) {
    // Half formats are slow on a CPU, or not there at all.
    options_ =
        options_.dtype(options_.device().is_cpu() ? at::kFloat : format_);
    for (auto& rope : spec_.ropes)
      frequencies_.push_back(rope_frequencies(rope, spec_.longest));
    c10::InferenceMode guard;
    load(watch);
  }

  std::size_t vocabulary() const override {
    return spec_.vocabulary;
  }

  std::size_t width() const override {
    return spec_.hidden;
  }

  std::size_t bytes_of_block() const override {
    return 2 * spec_.layers.size() * spec_.kv_heads * spec_.head
           * kv_block_tokens * options_.dtype().itemsize();
  }

  void make_blocks(std::size_t) override {
    // The tensors of a sequence grow as it does.
  }

  bool shares_blocks() const override {
    return false;
  }

  void forward(std::span<net_input> inputs, float* scores) override {
    c10::InferenceMode guard;
    for (auto& input : inputs)
      caches_[input.id].resize(layers_.size());
    auto x = embed(inputs);
    auto turned = turns_of(inputs, x.size(0));
    for (std::size_t i = 0; i < layers_.size(); ++i)
      x = run_layer(i, x, inputs, turned);
    auto states = norm(norm_, spec_.norms, x);
    std::int64_t end = 0;
    for (auto& input : inputs) {
      auto count = static_cast<std::int64_t>(input.tokens.size());
      end += count;
      if (input.states != nullptr)
        copy_to(states.narrow(0, end - count, count), input.states);
      auto wanted = static_cast<std::int64_t>(input.scores_wanted);
      if (wanted > 0)
        copy_to(score(states.narrow(0, end - wanted, wanted)), scores);
      scores += input.scores_wanted * spec_.vocabulary;
    }
  }

  void release(sequence_id id) override {
    caches_.erase(id);
  }

  void use_threads(int count) override {
    set_torch_threads(count);
  }

  memory_usage usage() const override {
    if (options_.device().is_cpu())
      return {};
    auto bytes = weight_bytes_;
    for (const auto& [id, cache] : caches_)
      for (const auto& each : cache)
        if (each.keys.defined())
          bytes += each.keys.nbytes() + each.values.nbytes();
    return {.device_bytes = bytes};
  }

private:
  // --- loading ---------------------------------------------------------------

  at::Tensor to_device(const at::Tensor& tensor) const {
    return tensor.to(options_.device());
  }

  void load(const load_watch& watch) {
    tensor_reader read{*weights_, spec_, format_, options_};
    auto hidden = spec_.hidden;
    embedding_ = read.matrix(spec_.embedding);
    if (!spec_.positions.empty())
      positions_ = read.floats(spec_.positions, {spec_.context, hidden});
    embedding_norm_ = read.norm(spec_.embedding_norm, hidden);
    norm_ = read.norm(spec_.norm, hidden);
    if (!spec_.slopes.empty())
      slopes_ = to_device(at::tensor(spec_.slopes).reshape({-1, 1, 1}));
    head_ = spec_.scores.is_there() ? read.matrix(spec_.scores) : embedding_;
    for (auto& source : spec_.layers) {
      layers_.push_back(load_layer(read, source));
      if (watch)
        watch(static_cast<double>(layers_.size())
              / static_cast<double>(spec_.layers.size()));
    }
    weight_bytes_ = read.bytes();
  }

  layer load_layer(const tensor_reader& read, const layer_spec& source) const {
    auto hidden = spec_.hidden;
    auto& attention = source.attention;
    layer result;
    result.attention_norm = read.norm(source.attention_norm, hidden);
    result.attention_out_norm = read.norm(source.attention_out_norm, hidden);
    result.mlp_norm = read.norm(source.mlp_norm, hidden);
    result.mlp_out_norm = read.norm(source.mlp_out_norm, hidden);
    result.query_norm = read.head_norm(attention.query_norm, spec_.heads);
    result.key_norm = read.head_norm(attention.key_norm, spec_.kv_heads);
    result.query = read.matrix(attention.query);
    result.key = read.matrix(attention.key);
    result.value = read.matrix(attention.value);
    result.output = read.matrix(attention.output);
    if (attention.latent)
      result.narrow = load_latent(read, *attention.latent);
    if (!attention.sinks.empty())
      result.sinks = read.floats(attention.sinks, {spec_.heads});
    if (source.experts)
      result.mixture = load_experts(read, *source.experts);
    else
      result.feed_forward = read.feed_forward(source.mlp);
    return result;
  }

  static latent load_latent(const tensor_reader& read,
                            const latent_spec& source) {
    return {read.matrix(source.query_down), read.matrix(source.down),
            read.matrix(source.up),
            read.norm(source.query_norm, source.query_down.outputs),
            read.norm(source.norm, source.rank)};
  }

  static experts load_experts(const tensor_reader& read,
                              const experts_spec& source) {
    experts result;
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

  // --- before the layers -----------------------------------------------------

  // All new tokens of all sequences, one below the other, [n, hidden].
  at::Tensor embed(std::span<const net_input> inputs) const {
    std::vector<std::int64_t> ids, positions;
    for (auto& input : inputs) {
      ids.insert(ids.end(), input.tokens.begin(), input.tokens.end());
      for (std::size_t i = 0; i < input.tokens.size(); ++i)
        positions.push_back(static_cast<std::int64_t>(input.position + i));
    }
    auto x = embedding_.weight.index_select(0, to_device(at::tensor(ids)));
    if (spec_.embedding_scale != 1.0)
      x = x * spec_.embedding_scale;
    if (positions_.defined())
      x = x + positions_.index_select(0, to_device(at::tensor(positions)));
    return norm(embedding_norm_, spec_.norms, x);
  }

  std::vector<turns> turns_of(std::span<const net_input> inputs,
                              std::int64_t rows) const {
    std::vector<turns> result;
    for (std::size_t i = 0; i < frequencies_.size(); ++i) {
      auto pairs = frequencies_[i].size();
      auto size = static_cast<std::size_t>(rows) * pairs;
      std::vector<float> cosines(size), sines(size);
      std::size_t at = 0;
      for (auto& input : inputs)
        for (std::size_t t = 0; t < input.tokens.size(); ++t, at += pairs)
          rope_turn(frequencies_[i], input.position + t,
                    static_cast<float>(spec_.ropes[i].attention_factor),
                    &cosines[at], &sines[at]);
      std::vector<std::int64_t> shape{rows, 1,
                                      static_cast<std::int64_t>(pairs)};
      result.push_back({to_device(at::tensor(cosines).reshape(shape)),
                        to_device(at::tensor(sines).reshape(shape))});
    }
    return result;
  }

  // --- a layer ---------------------------------------------------------------

  at::Tensor norm(const norm_tensors& norm, norm_kind kind, const at::Tensor& x,
                  double epsilon) const {
    if (!norm.weight.defined())
      return x;
    auto wide = x.to(at::kFloat);
    if (kind == norm_kind::layer)
      wide = wide - wide.mean(-1, true);
    auto inverse = at::rsqrt(wide.square().mean(-1, true) + epsilon);
    auto result = (wide * inverse).to(x.scalar_type()) * norm.weight;
    return norm.bias.defined() ? result + norm.bias : result;
  }

  at::Tensor norm(const norm_tensors& part, norm_kind kind,
                  const at::Tensor& x) const {
    return norm(part, kind, x, spec_.norm_epsilon);
  }

  at::Tensor run_layer(std::size_t index, const at::Tensor& x,
                       std::span<const net_input> inputs,
                       const std::vector<turns>& turned) {
    auto& part = layers_[index];
    auto scaled = [&](const at::Tensor& branch, const norm_tensors& out) {
      auto result = norm(out, spec_.norms, branch);
      return spec_.residual_scale == 1.0 ? result
                                         : result * spec_.residual_scale;
    };
    auto normed = norm(part.attention_norm, spec_.norms, x);
    auto seen = scaled(attention(index, normed, inputs, turned),
                       part.attention_out_norm);
    if (!spec_.is_parallel)
      normed = norm(part.mlp_norm, spec_.norms, x + seen);
    else if (part.mlp_norm.weight.defined())
      normed = norm(part.mlp_norm, spec_.norms, x);
    auto& mixture = spec_.layers[index].experts;
    auto thought = mixture ? mix(*mixture, *part.mixture, normed)
                           : feed_forward(part.feed_forward, normed);
    return x + seen + scaled(thought, part.mlp_out_norm);
  }

  at::Tensor feed_forward(const mlp& part, const at::Tensor& x) const {
    auto up = part.up.weight.defined() ? part.up(x) : at::Tensor{};
    return part.down(activated(spec_.activate, part.gate(x), up));
  }

  at::Tensor mix(const experts_spec& spec, const experts& part,
                 const at::Tensor& x) const {
    auto scores = part.router(x).to(at::kFloat).to(at::kCPU).contiguous();
    auto count = part.all.size();
    std::vector<std::vector<std::int64_t>> rows(count);
    std::vector<std::vector<float>> weights(count);
    std::vector<chosen_expert> choice;
    for (std::int64_t r = 0; r < x.size(0); ++r) {
      auto row = scores.data_ptr<float>() + r * scores.size(1);
      choose_experts(spec, {row, count}, part.correction, choice);
      for (auto& chosen : choice) {
        rows[chosen.index].push_back(r);
        weights[chosen.index].push_back(chosen.weight);
      }
    }
    auto result = at::zeros_like(x);
    for (std::size_t e = 0; e < count; ++e) {
      if (rows[e].empty())
        continue;
      auto index = to_device(at::tensor(rows[e]));
      auto weight = at::tensor(weights[e]).to(options_).unsqueeze(1);
      auto own = feed_forward(part.all[e], x.index_select(0, index));
      result.index_add_(0, index, own * weight);
    }
    if (!part.shared)
      return result;
    auto shared = feed_forward(*part.shared, x);
    if (part.shared_gate.weight.defined())
      shared = shared * at::sigmoid(part.shared_gate(x));
    return result + shared;
  }

  // --- attention -------------------------------------------------------------

  // Turns the first numbers of the heads of `x` [n, heads, head].
  at::Tensor turn(const attention_spec& spec, const at::Tensor& x,
                  const std::vector<turns>& turned) const {
    if (!spec.rope)
      return x;
    auto& [cosines, sines] = turned[*spec.rope];
    auto pairs = cosines.size(2);
    auto wide = x.narrow(2, 0, 2 * pairs).to(at::kFloat);
    auto is_interleaved = spec_.ropes[*spec.rope].is_interleaved;
    auto shape =
        is_interleaved
            ? std::vector<std::int64_t>{x.size(0), x.size(1), pairs, 2}
            : std::vector<std::int64_t>{x.size(0), x.size(1), 2, pairs};
    auto dimension = is_interleaved ? 3 : 2;
    auto both = wide.reshape(shape);
    auto first = both.select(dimension, 0);
    auto second = both.select(dimension, 1);
    auto result = at::stack({first * cosines - second * sines,
                             second * cosines + first * sines},
                            dimension)
                      .reshape(wide.sizes())
                      .to(x.scalar_type());
    return at::cat({result, x.narrow(2, 2 * pairs, x.size(2) - 2 * pairs)}, 2);
  }

  // Norms `x` [n, heads, head].
  at::Tensor norm_heads(const norm_tensors& part, const at::Tensor& x) const {
    if (spec_.head_norm_over != head_norm_scope::all)
      return norm(part, spec_.head_norms, x);
    return norm(part, spec_.head_norms, x.reshape({x.size(0), -1}))
        .reshape(x.sizes());
  }

  struct projections {
    at::Tensor queries, keys, values; // [n, heads, head], not turned
  };

  projections project(const layer& part, const at::Tensor& x) const {
    auto shape = std::vector<std::int64_t>{
        x.size(0), -1, static_cast<std::int64_t>(spec_.head)};
    return {norm_heads(part.query_norm, part.query(x).reshape(shape)),
            norm_heads(part.key_norm, part.key(x).reshape(shape)),
            part.value(x).reshape(shape)};
  }

  // The numbers that are turned come first in our heads.
  projections project_latent(const latent_spec& spec, const layer& part,
                             const at::Tensor& x) const {
    auto& narrow = *part.narrow;
    auto rows = x.size(0);
    auto heads = static_cast<std::int64_t>(spec_.heads);
    auto still = static_cast<std::int64_t>(spec.still);
    auto turned = static_cast<std::int64_t>(spec.turned);
    auto value = static_cast<std::int64_t>(spec.value);
    auto rank = static_cast<std::int64_t>(spec.rank);
    auto asked = x;
    if (narrow.query_down.weight.defined())
      asked =
          norm(narrow.query_norm, norm_kind::rms, narrow.query_down(x), 1e-6);
    auto queries = part.query(asked).reshape({rows, heads, still + turned});
    auto down = narrow.down(x);
    auto up = narrow
                  .up(norm(narrow.norm, norm_kind::rms, down.narrow(1, 0, rank),
                           1e-6))
                  .reshape({rows, heads, still + value});
    auto shared =
        down.narrow(1, rank, turned).unsqueeze(1).expand({rows, heads, turned});
    return {
        at::cat({queries.narrow(2, still, turned), queries.narrow(2, 0, still)},
                2),
        at::cat({shared, up.narrow(2, 0, still)}, 2),
        up.narrow(2, still, value).contiguous()};
  }

  at::Tensor attention(std::size_t index, const at::Tensor& x,
                       std::span<const net_input> inputs,
                       const std::vector<turns>& turned) {
    auto& part = layers_[index];
    auto& spec = spec_.layers[index].attention;
    auto [queries, keys, values] =
        spec.latent ? project_latent(*spec.latent, part, x) : project(part, x);
    queries = turn(spec, queries, turned);
    keys = turn(spec, keys, turned);
    std::vector<at::Tensor> results;
    std::int64_t begin = 0;
    for (auto& input : inputs) {
      auto& store = caches_.at(input.id)[index];
      auto past = static_cast<std::int64_t>(input.position);
      auto count = static_cast<std::int64_t>(input.tokens.size());
      auto own = [&](const at::Tensor& all) { // [heads, count, head]
        return all.narrow(0, begin, count).transpose(0, 1);
      };
      auto k = append(store.keys, own(keys), past);
      auto v = append(store.values, own(values), past);
      results.push_back(attend(spec, part.sinks, own(queries), k, v, past));
      begin += count;
    }
    return part.output(at::cat(results, 0));
  }

  // Attention of one sequence: q [heads, n, head] over k and v
  // [kv_heads, past + n, head]; returns [n, heads * head of a value].
  at::Tensor attend(const attention_spec& spec, const at::Tensor& sinks,
                    const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v, std::int64_t past) const {
    auto count = q.size(1);
    auto head = q.size(2);
    auto kv_heads = k.size(0);
    // The queries of a group stand one below the other before their key head.
    auto grouped = q.reshape({kv_heads, -1, head}); // [kv_heads, g * n, head]
    auto scores =
        at::matmul(grouped, k.transpose(1, 2)).to(at::kFloat) * spec.scale;
    if (spec.softcap != 0.0)
      scores = at::tanh(scores / spec.softcap) * spec.softcap;
    auto shape = scores.sizes().vec();
    scores = scores.reshape({-1, count, past + count}); // [heads, n, past + n]
    if (slopes_.defined())
      scores = scores
               - slopes_
                     * (at::arange(count, scores.options()).reshape({-1, 1})
                        + static_cast<double>(past)
                        - at::arange(past + count, scores.options()));
    auto window = static_cast<std::int64_t>(spec.window);
    if (count > 1 || window != 0) {
      auto none =
          at::full({count, past + count},
                   -std::numeric_limits<float>::infinity(), scores.options());
      auto mask = none.triu(past + 1);
      if (window != 0)
        mask = mask + none.tril(past - window);
      scores = scores + mask;
    }
    if (sinks.defined())
      scores = at::cat({scores, sinks.to(at::kFloat)
                                    .reshape({-1, 1, 1})
                                    .expand({scores.size(0), count, 1})},
                       -1);
    auto weights = at::softmax(scores, -1)
                       .narrow(-1, 0, past + count)
                       .to(v.scalar_type())
                       .reshape(shape);
    return at::matmul(weights, v)
        .reshape({-1, count, v.size(2)})
        .transpose(0, 1)
        .reshape({count, -1});
  }

  // --- behind the layers -----------------------------------------------------

  at::Tensor score(const at::Tensor& states) const {
    auto result = head_(states).to(at::kFloat) * spec_.score_scale;
    if (spec_.score_softcap != 0.0)
      result = at::tanh(result / spec_.score_softcap) * spec_.score_softcap;
    return result;
  }

  static void copy_to(const at::Tensor& from, float* to) {
    at::from_blob(to, from.sizes(), at::kFloat).copy_(from);
  }

  decoder_spec spec_;
  // Tensors may lie in its mapped files.
  std::shared_ptr<const weight_folder> weights_;
  std::vector<std::vector<float>> frequencies_; // of each rope
  at::ScalarType format_;
  at::TensorOptions options_; // of weights and arithmetic
  linear embedding_;          // [vocabulary, hidden]
  at::Tensor positions_;      // [context, hidden] or undefined
  at::Tensor slopes_;         // [heads, 1, 1] or undefined
  norm_tensors embedding_norm_, norm_;
  linear head_;
  std::vector<layer> layers_;
  std::size_t weight_bytes_ = 0;
  std::unordered_map<sequence_id, torch_cache> caches_;
};

} // namespace

std::unique_ptr<causal_net> make_decoder_torch(
    decoder_spec spec, std::shared_ptr<const weight_folder> weights,
    const std::string& device, number_format format, const load_watch& watch) {
  resolve_names(spec, *weights);
  return std::make_unique<decoder_torch>(std::move(spec), std::move(weights),
                                         device, format, watch);
}

} // namespace model_server
