// The network in libtorch, with its optimizer.
#include "models/tiny-chat/network.hpp"

#include "models/tiny-chat/layer_functions.hpp"
#include "models/tiny-chat/optimizer.hpp"

#include <torch/torch.h>

#include <cmath>
#include <stdexcept>
#include <thread>

namespace model_server::tiny_chat {

namespace {

using torch::Tensor;

struct layer {
  Tensor attention_norm, qkv, attention_out, mlp_norm, gate_up, down;
};

/// All numbers of the network.
struct parameters {
  Tensor embedding, final_norm;
  std::vector<layer> layers;

  /// Calls `visit(tensor, is_matrix)` for each of them, always in one order.
  template <class Visit>
  void for_each(Visit visit) {
    visit(embedding, true);
    visit(final_norm, false);
    for (auto& l : layers) {
      visit(l.attention_norm, false);
      visit(l.qkv, true);
      visit(l.attention_out, true);
      visit(l.mlp_norm, false);
      visit(l.gate_up, true);
      visit(l.down, true);
    }
  }

  /// Returns the same numbers with gradients of their own.
  parameters with_own_gradients() const {
    auto result = *this;
    result.for_each([](Tensor& tensor, bool) {
      tensor = tensor.detach().set_requires_grad(true);
    });
    return result;
  }
};

parameters random_parameters(const network_shape& shape) {
  auto matrix = [](std::int64_t rows, std::int64_t columns, double deviation) {
    return (torch::randn({rows, columns}) * deviation).set_requires_grad(true);
  };
  auto ones = [&] {
    return torch::ones({shape.hidden}).set_requires_grad(true);
  };
  auto head = shape.hidden / shape.heads;
  auto in = 0.02;
  auto out = 0.02 / std::sqrt(2.0 * static_cast<double>(shape.layers));
  parameters result;
  result.embedding = matrix(shape.vocabulary, shape.hidden, in);
  result.final_norm = ones();
  for (std::int64_t i = 0; i < shape.layers; ++i)
    result.layers.push_back(
        {ones(),
         matrix((shape.heads + 2 * shape.kv_heads) * head, shape.hidden, in),
         matrix(shape.hidden, shape.heads * head, out), ones(),
         matrix(2 * shape.intermediate, shape.hidden, in),
         matrix(shape.hidden, shape.intermediate, out)});
  return result;
}

/// Cosines, then sines, of each position; [context, head].
Tensor rope_angles(const network_shape& shape) {
  auto head = shape.hidden / shape.heads;
  auto exponents = torch::arange(0, head, 2, torch::kDouble) / head;
  auto turns = torch::outer(torch::arange(shape.context, torch::kDouble),
                            torch::pow(shape.rope_theta, -exponents));
  return torch::cat({turns.cos(), turns.sin()}, 1)
      .to(torch::kFloat)
      .contiguous();
}

std::unique_ptr<optimizer> make_optimizer(parameters& all) {
  std::vector<Tensor> matrices, vectors;
  all.for_each([&](Tensor& tensor, bool is_matrix) {
    if (!tensor.is_same(all.embedding))
      (is_matrix ? matrices : vectors).push_back(tensor);
  });
  return std::make_unique<optimizer>(matrices, std::vector{all.embedding},
                                     vectors);
}

Tensor as_matrix(const std::vector<std::int64_t>& values, const batch& from) {
  return torch::tensor(values).view({from.rows, from.columns});
}

} // namespace

struct network::state {
  network_shape shape;
  network_options options;
  std::uint64_t steps = 0;
  parameters all;
  Tensor angles;
  std::unique_ptr<optimizer> stepper;

  /// Returns the scores of the wanted places, [wanted, vocabulary]. Nothing is
  /// dropped when `drop_seed` is 0.
  Tensor run(const parameters& p, const Tensor& tokens, const Tensor& wanted,
             std::uint64_t drop_seed, bool is_short) const {
    auto rate = drop_seed == 0 ? 0.0 : static_cast<double>(options.dropout);
    auto add = [&, place = 0U](const Tensor& x, const Tensor& delta) mutable {
      return added(x, delta, rate, drop_seed + ++place * 0xD1B54A32D192ED03ULL);
    };
    auto norm = [&](const Tensor& x, const Tensor& w) {
      return normed(x, w, shape.norm_epsilon, is_short);
    };
    attention_sizes sizes{tokens.size(0), tokens.size(1), shape.kv_heads,
                          shape.heads / shape.kv_heads};
    auto x = torch::embedding(p.embedding, tokens.view({-1})); // [n, hidden]
    for (const auto& l : p.layers) {
      auto joint = product(norm(x, l.attention_norm), l.qkv);
      x = add(x, product(attended(joint, angles, sizes), l.attention_out));
      auto inner = gated(product(norm(x, l.mlp_norm), l.gate_up));
      x = add(x, product(inner, l.down));
    }
    auto last = norm(x.index_select(0, wanted), p.final_norm);
    return product(last, p.embedding).to(torch::kFloat);
  }

  /// Adds the gradients of one batch to those of `p`; returns its loss. The
  /// losses of all batches of a step are divided by the same weight.
  double learn_one(const parameters& p, const batch& examples,
                   double total_weight, std::uint64_t drop_seed) const {
    auto weights = torch::tensor(examples.weights);
    auto wanted = weights.nonzero().view({-1});
    auto targets = torch::tensor(examples.targets).index_select(0, wanted);
    auto scores = run(p, as_matrix(examples.tokens, examples), wanted,
                      drop_seed, options.has_short_products);
    auto losses = torch::nll_loss_nd(torch::log_softmax(scores, -1), targets,
                                     {}, at::Reduction::None);
    auto loss = (losses * weights.index_select(0, wanted)).sum() / total_weight;
    loss.backward();
    return loss.item<double>();
  }
};

network::network(const network_shape& shape, const network_options& options)
    : state_(std::make_unique<state>()) {
  torch::manual_seed(options.seed);
  if (shape.hidden != shape.heads * head_size)
    throw std::runtime_error{"heads of other than 32 numbers"};
  state_->shape = shape;
  state_->options = options;
  state_->all = random_parameters(shape);
  state_->angles = rope_angles(shape);
  state_->stepper = make_optimizer(state_->all);
}

network::~network() = default;

double network::learn(const std::vector<batch>& batches, double rate) {
  auto& s = *state_;
  ++s.steps;
  double total_weight = 0;
  for (const auto& examples : batches)
    for (auto weight : examples.weights)
      total_weight += weight;
  // One thread for each batch: they meet once in a step.
  std::vector<parameters> views;
  for (std::size_t i = 0; i < batches.size(); ++i)
    views.push_back(s.all.with_own_gradients());
  std::vector<double> losses(batches.size());
  auto learn_one = [&](std::size_t i) {
    at::set_num_threads(1);
    auto seed = (s.options.seed * 0x9E3779B97F4A7C15ULL)
                ^ (s.steps * 64 + i + 1) * 0xBF58476D1CE4E5B9ULL;
    losses[i] = s.learn_one(views[i], batches[i], total_weight, seed | 1);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < batches.size(); ++i)
    threads.emplace_back(learn_one, i);
  learn_one(0);
  for (auto& thread : threads)
    thread.join();
  // The order of this sum, and so the result, is always the same.
  std::vector<Tensor> all;
  s.all.for_each([&](Tensor& tensor, bool) { all.push_back(tensor); });
  for (std::size_t i = 0; i < views.size(); ++i) {
    std::size_t at = 0;
    views[i].for_each([&](Tensor& tensor, bool) {
      auto& gradient = all[at++].mutable_grad();
      if (i == 0)
        gradient = tensor.grad();
      else
        gradient.add_(tensor.grad());
    });
  }
  torch::nn::utils::clip_grad_norm_(all, 1.0);
  s.stepper->step(rate);
  double loss = 0;
  for (auto part : losses)
    loss += part;
  return loss;
}

std::vector<std::int64_t> network::predict(const batch& examples) const {
  torch::NoGradGuard no_gradients;
  auto tokens = as_matrix(examples.tokens, examples);
  auto best =
      state_->run(state_->all, tokens, torch::arange(tokens.numel()), 0, false)
          .argmax(-1)
          .contiguous();
  auto* first = best.data_ptr<std::int64_t>();
  return {first, first + best.numel()};
}

void network::round_weights() {
  torch::NoGradGuard no_gradients;
  state_->all.for_each([](Tensor& tensor, bool) {
    tensor.copy_(tensor.to(torch::kBFloat16).to(torch::kFloat));
  });
}

std::vector<weight> network::weights() const {
  torch::NoGradGuard no_gradients;
  std::vector<weight> result;
  auto add = [&](const std::string& name, const Tensor& values) {
    auto bits = values.to(torch::kBFloat16).contiguous();
    auto* first = static_cast<const std::uint16_t*>(bits.data_ptr());
    result.push_back({name, bits.sizes().vec(), {first, first + bits.numel()}});
  };
  const auto& shape = state_->shape;
  const auto& all = state_->all;
  auto kv_size = shape.hidden / shape.heads * shape.kv_heads;
  auto inner = shape.intermediate;
  add("model.embed_tokens.weight", all.embedding);
  add("model.norm.weight", all.final_norm);
  for (std::size_t i = 0; i < all.layers.size(); ++i) {
    const auto& l = all.layers[i];
    auto prefix = "model.layers." + std::to_string(i) + ".";
    auto attention = prefix + "self_attn.";
    add(prefix + "input_layernorm.weight", l.attention_norm);
    add(attention + "q_proj.weight", l.qkv.narrow(0, 0, shape.hidden));
    add(attention + "k_proj.weight", l.qkv.narrow(0, shape.hidden, kv_size));
    add(attention + "v_proj.weight",
        l.qkv.narrow(0, shape.hidden + kv_size, kv_size));
    add(attention + "o_proj.weight", l.attention_out);
    add(prefix + "post_attention_layernorm.weight", l.mlp_norm);
    add(prefix + "mlp.gate_proj.weight", l.gate_up.narrow(0, 0, inner));
    add(prefix + "mlp.up_proj.weight", l.gate_up.narrow(0, inner, inner));
    add(prefix + "mlp.down_proj.weight", l.down);
  }
  return result;
}

std::int64_t network::parameter_count() const {
  std::int64_t count = 0;
  state_->all.for_each([&](Tensor& tensor, bool) { count += tensor.numel(); });
  return count;
}

} // namespace model_server::tiny_chat
