// An answer as a stream of server-sent events.
#pragma once

#include "http/joint_answer.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// Sends each piece of each choice as it comes, then what ends it; `[DONE]`
/// after the last. A failure after the beginning, or after a ping, is an event
/// too, and no `[DONE]` follows.
class streamed_answer : public joint_answer {
public:
  using joint_answer::joint_answer;

  bool reports_progress() const override;

protected:
  void write_beginning() override;
  void write_text(std::size_t choice, std::string_view piece,
                  std::uint64_t last, std::span<const token> tokens) override;
  void write_choice_end(std::size_t choice) override;
  void write_end(std::size_t choice, const usage_counts& usage) override;
  void write_failure(const failure& reason) override;
  void write_ping() override;

private:
  void send_head();
  void send(std::string events, std::uint64_t mark);

  bool has_head_ = false;
  // From choices that were admitted before the others were.
  std::vector<std::pair<std::string, std::uint64_t>> early_;
};

} // namespace model_server
