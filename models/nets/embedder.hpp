// Steps a network over texts until each has its embedding.
#pragma once

#include "models/engine/step_planner.hpp"
#include "models/nets/causal_net.hpp"
#include "models/nets/encoder.hpp"
#include "models/nets/text_pooling.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace model_server {

/// How states become embeddings.
struct embedding_form {
  pooling how = pooling::mean;
  /// They have length 1.
  bool is_normalized = true;
};

/// Drives a network as `model_entry` describes it. An embedding depends on its
/// own text alone, as far as the network keeps that promise.
class embedder {
public:
  /// About what a step reads. It is short, so that cancels and new texts need
  /// not wait, and long enough that reading the weights is no more than a part
  /// of it.
  static constexpr std::size_t step_tokens = 512;

  virtual ~embedder() = default;
  virtual std::size_t width() const = 0;
  virtual bool is_exact() const = 0;
  virtual void step(std::span<sequence* const> batch) = 0;
  virtual void release(sequence_id id) = 0;
  virtual void use_threads(int count) = 0;
};

/// With an encoder, which reads each text in one step.
class encoder_embedder : public embedder {
public:
  encoder_embedder(std::unique_ptr<encoder> net, embedding_form form);

  std::size_t width() const override;
  bool is_exact() const override;
  void step(std::span<sequence* const> batch) override;
  void release(sequence_id id) override;
  void use_threads(int count) override;

private:
  std::unique_ptr<encoder> net_;
  embedding_form form_;
  // Of the step in progress; kept for their memory.
  std::vector<encoder_input> inputs_;
  std::vector<float> states_;
};

/// With a decoder, which reads long texts in several steps. Its memory for keys
/// and values is `blocks` of tokens.
class decoder_embedder : public embedder {
public:
  decoder_embedder(std::unique_ptr<causal_net> net, embedding_form form,
                   std::size_t blocks);

  std::size_t width() const override;
  bool is_exact() const override;
  void step(std::span<sequence* const> batch) override;
  void release(sequence_id id) override;
  void use_threads(int count) override;

private:
  void settle(const planned_read& read, const net_input& input);

  std::unique_ptr<causal_net> net_;
  embedding_form form_;
  step_planner planner_;
  std::unordered_map<sequence_id, text_pooling> begun_;
  // Of the step in progress; kept for their memory.
  std::vector<net_input> inputs_;
  std::vector<float> states_;
};

} // namespace model_server
