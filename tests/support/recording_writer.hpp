// A reply writer that writes down what it was told.
#pragma once

#include "actors/reply_writer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// What a client got. Any call out of order makes it broken.
struct transcript {
  std::optional<admitted> begun;
  /// The devices that it went on with.
  std::vector<std::string> resumed_on;
  std::string text;
  /// Every piece with the number of its last token.
  std::vector<std::pair<std::string, std::uint64_t>> pieces;
  /// With their logprobs, as they came with the pieces.
  std::vector<token> tokens;
  std::optional<reply_summary> end;
  std::optional<failure> failed;
  int pings = 0;
  bool reports_progress = false;
  /// The first call that the writer's contract forbids.
  std::string broken;
  /// The writer is gone, so the reply is.
  bool is_closed = false;

  bool has_ended() const {
    return end || failed;
  }
};

/// Writes into a transcript that the test keeps.
class recording_writer : public reply_writer {
public:
  explicit recording_writer(std::shared_ptr<transcript> target)
      : target_(std::move(target)) {
  }

  ~recording_writer() override {
    target_->is_closed = true;
  }

  void begin(const admitted& facts) override {
    expect(!target_->begun && !target_->has_ended(), "begin");
    target_->begun = facts;
  }

  void resume(const admitted& facts) override {
    expect(target_->begun && !target_->has_ended(), "resume");
    target_->resumed_on.push_back(facts.device);
  }

  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override {
    expect(target_->begun && !target_->has_ended(), "text");
    expect(!piece.empty() || !tokens.empty(), "text without text");
    expect(target_->pieces.empty() || target_->pieces.back().second <= last,
           "text with an old number");
    target_->text += piece;
    target_->pieces.emplace_back(piece, last);
    target_->tokens.insert(target_->tokens.end(), tokens.begin(), tokens.end());
  }

  void end(const reply_summary& summary) override {
    expect(target_->begun && !target_->has_ended(), "end");
    target_->end = summary;
  }

  void fail(const failure& reason) override {
    expect(!target_->has_ended(), "fail");
    target_->failed = reason;
  }

  void ping() override {
    expect(!target_->has_ended(), "ping");
    ++target_->pings;
  }

  bool reports_progress() const override {
    return target_->reports_progress;
  }

private:
  void expect(bool holds, const char* call) {
    if (!holds && target_->broken.empty())
      target_->broken = call;
  }

  std::shared_ptr<transcript> target_;
};

} // namespace model_server
