// The whole answer to a request, sent when every choice is complete.
#pragma once

#include "http/joint_answer.hpp"

namespace model_server {

/// Gathers the text of all choices and sends one JSON answer.
class whole_answer : public joint_answer {
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
};

} // namespace model_server
