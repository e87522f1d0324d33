// Steps a network over texts until each has its embedding.
#include "models/nets/embedder.hpp"

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

void fail(sequence& item) {
  item.failure = "the model gave an embedding whose numbers are none";
}

} // namespace

// -- encoders -----------------------------------------------------------------

encoder_embedder::encoder_embedder(std::unique_ptr<encoder> net,
                                   embedding_form form)
    : net_(std::move(net)), form_(form) {
}

std::size_t encoder_embedder::width() const {
  return net_->spec().hidden;
}

bool encoder_embedder::is_exact() const {
  return true;
}

void encoder_embedder::step(std::span<sequence* const> batch) {
  // The first in the batch are the oldest; others wait for the next step.
  inputs_.clear();
  std::size_t rows = 0;
  for (auto* item : batch) {
    if (rows > 0 && rows + item->tokens.size() > step_tokens)
      break;
    inputs_.push_back({.tokens = item->tokens});
    rows += item->tokens.size();
  }
  states_.resize(rows * width());
  auto* states = states_.data();
  for (auto& input : inputs_) {
    input.states = states;
    states += input.tokens.size() * width();
  }
  net_->forward(inputs_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    auto& item = *batch[i];
    if (!inputs_[i].is_finite) {
      fail(item);
      continue;
    }
    text_pooling pooled{form_.how, width()};
    pooled.add(inputs_[i].states, item.tokens.size());
    item.embedding = pooled.result(item.dimensions, form_.is_normalized);
  }
}

void encoder_embedder::release(sequence_id) {
  // Nothing is kept from step to step.
}

void encoder_embedder::use_threads(int count) {
  net_->use_threads(count);
}

// -- decoders -----------------------------------------------------------------

decoder_embedder::decoder_embedder(std::unique_ptr<causal_net> net,
                                   embedding_form form, std::size_t blocks)
    // Texts share no blocks: the states of all their tokens are wanted.
    : net_(std::move(net)), form_(form), planner_(blocks, false) {
  if (net_->width() == 0)
    throw std::runtime_error("this network does not tell its states");
  net_->make_blocks(blocks);
}

std::size_t decoder_embedder::width() const {
  return net_->width();
}

bool decoder_embedder::is_exact() const {
  return net_->is_exact();
}

void decoder_embedder::step(std::span<sequence* const> batch) {
  auto reads = planner_.plan(batch, step_tokens);
  for (auto id : planner_.losers()) {
    net_->release(id);
    begun_.erase(id);
  }
  inputs_.clear();
  std::size_t rows = 0;
  for (auto& read : reads) {
    inputs_.push_back({.id = read.item->id,
                       .position = read.table->size(),
                       .blocks = read.table->blocks(),
                       .tokens = read.tokens()});
    rows += read.count;
  }
  if (inputs_.empty())
    return;
  states_.resize(rows * width());
  auto* states = states_.data();
  for (auto& input : inputs_) {
    input.states = states;
    states += input.tokens.size() * width();
  }
  net_->forward(inputs_, nullptr);
  for (std::size_t i = 0; i < reads.size(); ++i)
    settle(reads[i], inputs_[i]);
}

void decoder_embedder::settle(const planned_read& read,
                              const net_input& input) {
  auto& item = *read.item;
  if (!input.is_finite)
    return fail(item);
  auto& pooled = begun_.try_emplace(item.id, form_.how, width()).first->second;
  pooled.add(input.states, input.tokens.size());
  if (read.is_last())
    item.embedding = pooled.result(item.dimensions, form_.is_normalized);
  planner_.finish(read);
}

void decoder_embedder::release(sequence_id id) {
  planner_.release(id);
  net_->release(id);
  begun_.erase(id);
}

void decoder_embedder::use_threads(int count) {
  net_->use_threads(count);
}

} // namespace model_server
