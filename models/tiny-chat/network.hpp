// The network of tiny-chat as it is trained: a small Llama.
#pragma once

#include "models/tiny-chat/batch.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace model_server::tiny_chat {

/// Sizes of the network.
struct network_shape {
  std::int64_t vocabulary = 2048;
  std::int64_t hidden = 192;
  std::int64_t layers = 5;
  std::int64_t heads = 6;
  std::int64_t kv_heads = 2;
  std::int64_t intermediate = 512;
  std::int64_t context = 1024;
  double rope_theta = 10000;
  double norm_epsilon = 1e-5;
};

/// A matrix or vector of the trained model, as bfloat16 bits.
struct weight {
  std::string name;
  std::vector<std::int64_t> sizes;
  std::vector<std::uint16_t> values;
};

/// How a network is trained.
struct network_options {
  /// The random start and what is dropped depend on it alone.
  std::uint64_t seed = 1;
  /// Share of the numbers that each layer leaves out in training.
  float dropout = 0.1F;
  /// Multiply bfloat16 numbers in training (never in `predict`): several times
  /// as fast on processors with AVX-512, slow on others.
  bool has_short_products = true;
};

/// A Llama network with its optimizer.
class network {
public:
  /// Starts from random weights.
  network(const network_shape& shape, const network_options& options);
  ~network();

  /// Learns from the batches of one step, each on a thread of its own, and
  /// returns their mean loss. `rate` is the learning rate of this step.
  double learn(const std::vector<batch>& batches, double rate);

  /// Returns the token that the network finds most likely after each token.
  std::vector<std::int64_t> predict(const batch& examples) const;

  /// Rounds all weights to bfloat16, as they are written.
  void round_weights();

  /// Returns the weights under the names of Hugging Face's Llama, sorted.
  std::vector<weight> weights() const;

  /// How many numbers the network has.
  std::int64_t parameter_count() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace model_server::tiny_chat
