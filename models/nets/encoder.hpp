// Encoder networks: a whole text in, a state of each of its tokens out.
#pragma once

#include "models/nets/encoder_attention.hpp"
#include "models/nets/encoder_weights.hpp"
#include "models/nets/linear_runner.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace model_server {

/// A text, whole.
struct encoder_input {
  /// At least one, at most the context of the network; ids are valid.
  std::span<const token_id> tokens;
  /// Where the states are written, [tokens, hidden].
  float* states = nullptr;
  /// Set by the pass: false if something overflowed.
  bool is_finite = true;
};

/// Runs on the CPU, through our own kernels, as `load_decoder_cpu` has it: the
/// states of a text are bit for bit the same whatever else is read in the pass
/// and with how many threads. Calls never overlap.
class encoder {
public:
  /// Throws `std::runtime_error` that names a tensor that is missing or has a
  /// wrong shape.
  encoder(encoder_spec spec, std::shared_ptr<const weight_folder> files,
          const weight_form& form, const kernel_set& kernels = best_kernels(),
          const load_watch& watch = nullptr);

  const encoder_spec& spec() const {
    return spec_;
  }

  void forward(std::span<encoder_input> inputs);

  /// How many threads the next passes may use.
  void use_threads(int count);

private:
  void begin(std::span<const encoder_input> inputs);
  void embed(std::span<const token_id> tokens, float* x) const;
  void run_layer(const encoder_layer_weights& layer);
  void finish(std::span<encoder_input> inputs) const;

  void norm(const matrix_reader::norm_weights& norm);
  void add_product(const linear_weights& weights, const float* x);

  encoder_spec spec_;
  const kernel_set& kernels_;
  encoder_weights weights_;
  linear_runner linear_;
  encoder_attention attention_;
  std::unique_ptr<thread_pool> pool_ = std::make_unique<thread_pool>(1);
  // Of the pass in progress; kept for their memory.
  std::vector<std::size_t> lengths_;
  std::size_t rows_ = 0;
  aligned_floats x_;         // [rows, hidden]
  aligned_floats projected_; // [rows, 3, hidden]
  aligned_floats attended_;  // [rows, hidden]
  aligned_floats inner_;     // [rows, intermediate]
};

} // namespace model_server
