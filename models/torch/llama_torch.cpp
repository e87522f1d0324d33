// A Llama through libtorch: every device, and the reference for the kernels.
#include "models/torch/module.hpp"

#include "models/kernels/attention.hpp"
#include "models/nets/llama_weights.hpp"
#include "models/nets/rope.hpp"
#include "models/torch/torch_threads.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
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
  at::Tensor weight; // [out, in]
  at::Tensor bias;   // [out] or undefined

  at::Tensor operator()(const at::Tensor& x) const {
    return at::linear(x, weight, bias);
  }
};

struct layer {
  at::Tensor attention_norm, mlp_norm; // [hidden]
  linear query, key, value, output;
  linear gate, up, down;
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

class llama_torch : public causal_net {
public:
  llama_torch(const llama_config& config,
              std::shared_ptr<const weight_folder> weights,
              const std::string& device, number_format format,
              const load_watch& watch)
      : config_(config),
        weights_(std::move(weights)),
        frequencies_(rope_frequencies(config.rope, config.head)),
        format_(torch_type(format)),
        options_(at::TensorOptions().device(device)) {
    // Half formats are slow on a CPU, or not there at all.
    options_ =
        options_.dtype(options_.device().is_cpu() ? at::kFloat : format_);
    c10::InferenceMode guard;
    load(*weights_, watch);
  }

  std::size_t vocabulary() const override {
    return config_.vocabulary;
  }

  std::size_t bytes_of_block() const override {
    return 2 * config_.layers * config_.kv_heads * config_.head
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
      caches_[input.id].resize(config_.layers);
    // All new tokens of all sequences, one below the other.
    std::vector<std::int64_t> ids;
    for (auto& input : inputs)
      ids.insert(ids.end(), input.tokens.begin(), input.tokens.end());
    auto [cosines, sines] = turns(inputs, ids.size());
    auto x = embedding_.index_select(0, to_device(at::tensor(ids))); // [n, hid]
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      auto& part = layers_[i];
      x = x
          + attention(part, i, norm(x, part.attention_norm), inputs, cosines,
                      sines);
      auto y = norm(x, part.mlp_norm);
      x = x + part.down(at::silu(part.gate(y)) * part.up(y));
    }
    std::int64_t end = 0;
    for (auto& input : inputs) {
      auto count = static_cast<std::int64_t>(input.tokens.size());
      end += count;
      auto wanted = static_cast<std::int64_t>(input.scores_wanted);
      if (wanted > 0)
        write_scores(x.narrow(0, end - wanted, wanted), scores);
      scores += input.scores_wanted * config_.vocabulary;
    }
  }

  void release(sequence_id id) override {
    caches_.erase(id);
  }

  void use_threads(int count) override {
    set_torch_threads(count);
  }

private:
  // --- loading ---------------------------------------------------------------

  at::Tensor to_device(const at::Tensor& tensor) const {
    return tensor.to(options_.device());
  }

  at::Tensor tensor(const weight_folder& weights, const std::string& name,
                    std::initializer_list<std::uint64_t> shape) const {
    auto& view = weights.require(name, shape);
    std::vector<std::int64_t> sizes(view.shape.begin(), view.shape.end());
    auto data = const_cast<std::byte*>(view.bytes.data());
    auto stored_type = torch_type(view.format);
    auto aligned =
        reinterpret_cast<std::uintptr_t>(data) % size_of(view.format) == 0;
    at::Tensor stored;
    if (aligned) {
      stored = at::from_blob(data, sizes, stored_type);
    } else {
      stored = at::empty(sizes, stored_type);
      std::copy_n(data, view.bytes.size(),
                  static_cast<std::byte*>(stored.data_ptr()));
    }
    return stored.to(format_).to(options_);
  }

  linear read_linear(const weight_folder& weights, const std::string& name,
                     std::size_t out, std::size_t in, bool has_bias) const {
    linear result;
    result.weight = tensor(weights, name + ".weight", {out, in});
    if (has_bias)
      result.bias = tensor(weights, name + ".bias", {out});
    return result;
  }

  void load(const weight_folder& weights, const load_watch& watch) {
    auto& c = config_;
    embedding_ = tensor(weights, llama_embedding_name(c, weights),
                        {c.vocabulary, c.hidden});
    head_.weight =
        c.is_tied ? embedding_
                  : tensor(weights, "lm_head.weight", {c.vocabulary, c.hidden});
    norm_ = tensor(weights, "model.norm.weight", {c.hidden});
    for (std::size_t i = 0; i < c.layers; ++i) {
      auto prefix = fmt::format("model.layers.{}.", i);
      auto attention = prefix + "self_attn.";
      auto mlp = prefix + "mlp.";
      auto queries = c.heads * c.head;
      auto keys = c.kv_heads * c.head;
      auto bias = c.has_attention_bias;
      layer part;
      part.attention_norm =
          tensor(weights, prefix + "input_layernorm.weight", {c.hidden});
      part.mlp_norm = tensor(
          weights, prefix + "post_attention_layernorm.weight", {c.hidden});
      part.query =
          read_linear(weights, attention + "q_proj", queries, c.hidden, bias);
      part.key =
          read_linear(weights, attention + "k_proj", keys, c.hidden, bias);
      part.value =
          read_linear(weights, attention + "v_proj", keys, c.hidden, bias);
      part.output =
          read_linear(weights, attention + "o_proj", c.hidden, queries,
                      c.has_output_bias);
      part.gate = read_linear(weights, mlp + "gate_proj", c.intermediate,
                              c.hidden, c.has_mlp_bias);
      part.up = read_linear(weights, mlp + "up_proj", c.intermediate, c.hidden,
                            c.has_mlp_bias);
      part.down = read_linear(weights, mlp + "down_proj", c.hidden,
                              c.intermediate, c.has_mlp_bias);
      layers_.push_back(std::move(part));
      if (watch)
        watch(static_cast<double>(i + 1) / static_cast<double>(c.layers));
    }
  }

  // --- one pass --------------------------------------------------------------

  // Cosines and sines of every new token's position, [n, 1, head / 2].
  std::pair<at::Tensor, at::Tensor> turns(std::span<const net_input> inputs,
                                          std::size_t rows) const {
    auto half = frequencies_.size();
    std::vector<float> cosines(rows * half), sines(rows * half);
    std::size_t row = 0;
    for (auto& input : inputs)
      for (std::size_t i = 0; i < input.tokens.size(); ++i, ++row)
        rope_turn(frequencies_, input.position + i, &cosines[row * half],
                  &sines[row * half]);
    auto shape = std::vector<std::int64_t>{static_cast<std::int64_t>(rows), 1,
                                           static_cast<std::int64_t>(half)};
    return {to_device(at::tensor(cosines).reshape(shape)),
            to_device(at::tensor(sines).reshape(shape))};
  }

  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const {
    auto wide = x.to(at::kFloat);
    auto inverse =
        at::rsqrt(wide.square().mean(-1, true) + config_.norm_epsilon);
    return (wide * inverse).to(x.scalar_type()) * weight;
  }

  // Turns `x` [n, heads, head] by position; the two halves of a head are the
  // two coordinates.
  static at::Tensor turn(const at::Tensor& x, const at::Tensor& cosines,
                         const at::Tensor& sines) {
    auto halves = x.to(at::kFloat).chunk(2, -1);
    return at::cat({halves[0] * cosines - halves[1] * sines,
                    halves[1] * cosines + halves[0] * sines},
                   -1)
        .to(x.scalar_type());
  }

  at::Tensor attention(const layer& part, std::size_t number,
                       const at::Tensor& x, std::span<const net_input> inputs,
                       const at::Tensor& cosines, const at::Tensor& sines) {
    auto rows = x.size(0);
    auto head = static_cast<std::int64_t>(config_.head);
    auto queries =
        turn(part.query(x).reshape({rows, -1, head}), cosines, sines);
    auto keys = turn(part.key(x).reshape({rows, -1, head}), cosines, sines);
    auto values = part.value(x).reshape({rows, -1, head});
    std::vector<at::Tensor> results;
    std::int64_t begin = 0;
    for (auto& input : inputs) {
      auto& store = caches_.at(input.id)[number];
      auto past = static_cast<std::int64_t>(input.position);
      auto count = static_cast<std::int64_t>(input.tokens.size());
      auto own = [&](const at::Tensor& all) { // [heads, count, head]
        return all.narrow(0, begin, count).transpose(0, 1);
      };
      auto k = append(store.keys, own(keys), past);
      auto v = append(store.values, own(values), past);
      results.push_back(attend(own(queries), k, v, past));
      begin += count;
    }
    return part.output(at::cat(results, 0));
  }

  // Attention of one sequence: q [heads, n, head] over k and v
  // [kv_heads, past + n, head]; returns [n, heads * head].
  at::Tensor attend(const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v, std::int64_t past) const {
    auto count = q.size(1);
    auto head = q.size(2);
    auto kv_heads = k.size(0);
    // The queries of a group stand one below the other before their key head.
    auto grouped = q.reshape({kv_heads, -1, head}); // [kv_heads, g * n, head]
    auto scores = at::matmul(grouped, k.transpose(1, 2)).to(at::kFloat)
                  / std::sqrt(static_cast<double>(head));
    if (count > 1) {
      auto mask =
          at::full({count, past + count},
                   -std::numeric_limits<float>::infinity(), scores.options())
              .triu(past + 1);
      scores = (scores.reshape({-1, count, past + count}) + mask)
                   .reshape(scores.sizes());
    }
    auto weights = at::softmax(scores, -1).to(v.scalar_type());
    return at::matmul(weights, v)
        .reshape({-1, count, head})
        .transpose(0, 1)
        .reshape({count, -1});
  }

  // `rows` is [n, hidden].
  void write_scores(const at::Tensor& rows, float* scores) const {
    auto result = head_(norm(rows, norm_));
    at::from_blob(scores, result.sizes(), at::kFloat).copy_(result);
  }

  llama_config config_;
  // Tensors may lie in its mapped files.
  std::shared_ptr<const weight_folder> weights_;
  std::vector<float> frequencies_;
  at::ScalarType format_;
  at::TensorOptions options_; // of weights and arithmetic
  at::Tensor embedding_;      // [vocabulary, hidden]
  at::Tensor norm_;           // [hidden]
  linear head_;
  std::vector<layer> layers_;
  std::unordered_map<sequence_id, torch_cache> caches_;
};

} // namespace

std::unique_ptr<causal_net>
make_llama_torch(const llama_config& config,
                 std::shared_ptr<const weight_folder> weights,
                 const std::string& device, number_format format,
                 const load_watch& watch) {
  return std::make_unique<llama_torch>(config, std::move(weights), device,
                                       format, watch);
}

} // namespace model_server
