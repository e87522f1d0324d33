// Passes a reply on.
#pragma once

#include "actors/reply_writer.hpp"

#include <memory>
#include <utility>

namespace model_server {

/// Hands everything to another writer; what stands before a writer overrides
/// what it is about.
class passing_writer : public reply_writer {
public:
  explicit passing_writer(std::unique_ptr<reply_writer> next)
      : next_(std::move(next)) {
    // nop
  }

  void begin(const admitted& facts) override {
    next_->begin(facts);
  }
  void resume(const admitted& facts) override {
    next_->resume(facts);
  }
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override {
    next_->text(piece, last, tokens);
  }
  void end(const reply_summary& summary) override {
    next_->end(summary);
  }
  void fail(const failure& reason) override {
    next_->fail(reason);
  }
  void ping() override {
    next_->ping();
  }
  bool reports_progress() const override {
    return next_->reports_progress();
  }

private:
  std::unique_ptr<reply_writer> next_;
};

} // namespace model_server
