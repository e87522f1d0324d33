// A decoder through libtorch: every device, and the reference for the kernels.
#include "models/torch/module.hpp"

#include "models/kernels/attention.hpp"
#include "models/memory_usage.hpp"
#include "models/nets/expert_choice.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/nets/rope.hpp"
#include "models/torch/torch_threads.hpp"
#include "models/torch/torch_weights.hpp"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// Cosines and sines of each new token's position, [n, 1, pairs].
struct turns {
  at::Tensor cosines, sines;
  /// What queries are multiplied with, [n, 1, 1]; undefined if with nothing.
  at::Tensor query_scales;
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
        files_(std::move(weights)),
        options_(at::TensorOptions().device(device)) {
    auto type = torch_type(format);
    // Half formats are slow on a CPU, or not there at all.
    options_ = options_.dtype(options_.device().is_cpu() ? at::kFloat : type);
    for (auto& rope : spec_.ropes)
      frequencies_.push_back(rope_frequencies(rope, spec_.longest));
    c10::InferenceMode guard;
    weights_ = read_torch_weights(spec_, *files_, type, options_, watch);
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
      caches_[input.id].resize(weights_.layers.size());
    auto x = embed(inputs);
    auto turned = turns_of(inputs, x.size(0));
    for (std::size_t i = 0; i < weights_.layers.size(); ++i)
      x = run_layer(i, x, inputs, turned);
    auto states = norm(weights_.norm, spec_.norms, x);
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
    auto bytes = weights_.bytes;
    for (const auto& [id, cache] : caches_)
      for (const auto& each : cache)
        if (each.keys.defined())
          bytes += each.keys.nbytes() + each.values.nbytes();
    return {.device_bytes = bytes};
  }

private:
  at::Tensor to_device(const at::Tensor& tensor) const {
    return tensor.to(options_.device());
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
    auto x =
        weights_.embedding.weight.index_select(0, to_device(at::tensor(ids)));
    if (spec_.embedding_scale != 1.0)
      x = x * spec_.embedding_scale;
    if (weights_.positions.defined())
      x = x
          + weights_.positions.index_select(0,
                                            to_device(at::tensor(positions)));
    return norm(weights_.embedding_norm, spec_.norms, x);
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
                        to_device(at::tensor(sines).reshape(shape)),
                        query_scales(inputs, spec_.ropes[i])});
    }
    return result;
  }

  at::Tensor query_scales(std::span<const net_input> inputs,
                          const rope_spec& rope) const {
    if (rope.query_growth == 0.0)
      return {};
    std::vector<float> result;
    for (auto& input : inputs)
      for (std::size_t t = 0; t < input.tokens.size(); ++t)
        result.push_back(rope_query_scale(rope, input.position + t));
    return to_device(at::tensor(result).reshape({-1, 1, 1}));
  }

  // --- a layer ---------------------------------------------------------------

  at::Tensor norm(const torch_norm& norm, norm_kind kind, const at::Tensor& x,
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

  at::Tensor norm(const torch_norm& part, norm_kind kind,
                  const at::Tensor& x) const {
    return norm(part, kind, x, spec_.norm_epsilon);
  }

  at::Tensor run_layer(std::size_t index, const at::Tensor& x,
                       std::span<const net_input> inputs,
                       const std::vector<turns>& turned) {
    auto& part = weights_.layers[index];
    auto scaled = [&](const at::Tensor& branch, const torch_norm& out) {
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

  at::Tensor feed_forward(const torch_mlp& part, const at::Tensor& x) const {
    auto up = part.up.weight.defined() ? part.up(x) : at::Tensor{};
    return part.down(activated(spec_.activate, part.gate(x), up));
  }

  at::Tensor mix(const experts_spec& spec, const torch_experts& part,
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
    auto& [cosines, sines, query_scales] = turned[*spec.rope];
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
  at::Tensor norm_heads(const torch_norm& part, const at::Tensor& x) const {
    if (spec_.head_norm_over != head_norm_scope::all)
      return norm(part, spec_.head_norms, x);
    return norm(part, spec_.head_norms, x.reshape({x.size(0), -1}))
        .reshape(x.sizes());
  }

  struct projections {
    at::Tensor queries, keys, values; // [n, heads, head], not turned
  };

  projections project(const torch_layer& part, const at::Tensor& x) const {
    auto shape = std::vector<std::int64_t>{
        x.size(0), -1, static_cast<std::int64_t>(spec_.head)};
    return {norm_heads(part.query_norm, part.query(x).reshape(shape)),
            norm_heads(part.key_norm, part.key(x).reshape(shape)),
            part.value(x).reshape(shape)};
  }

  // The numbers that are turned come first in our heads.
  projections project_latent(const latent_spec& spec, const torch_layer& part,
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
    auto& part = weights_.layers[index];
    auto& spec = spec_.layers[index].attention;
    auto [queries, keys, values] =
        spec.latent ? project_latent(*spec.latent, part, x) : project(part, x);
    queries = turn(spec, queries, turned);
    if (spec.rope && turned[*spec.rope].query_scales.defined())
      queries =
          (queries * turned[*spec.rope].query_scales).to(queries.scalar_type());
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
    if (weights_.slopes.defined())
      scores = scores
               - weights_.slopes
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
    auto result = weights_.head(states).to(at::kFloat) * spec_.score_scale;
    if (spec_.score_softcap != 0.0)
      result = at::tanh(result / spec_.score_softcap) * spec_.score_softcap;
    return result;
  }

  static void copy_to(const at::Tensor& from, float* to) {
    at::from_blob(to, from.sizes(), at::kFloat).copy_(from);
  }

  decoder_spec spec_;
  // Tensors may lie in these.
  std::shared_ptr<const weight_folder> files_;
  std::vector<std::vector<float>> frequencies_; // of each rope
  at::TensorOptions options_;                   // of weights and arithmetic
  torch_weights weights_;
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
