// Charges tokens to a key.
#include "http/metered_writer.hpp"

#include <chrono>
#include <utility>

namespace model_server {

metered_writer::metered_writer(std::unique_ptr<reply_writer> next,
                               std::shared_ptr<key_usage> usage,
                               bool counts_prompt)
    : passing_writer(std::move(next)),
      usage_(std::move(usage)),
      counts_prompt_(counts_prompt) {
  // nop
}

void metered_writer::begin(const admitted& facts) {
  if (counts_prompt_)
    charge(facts.prompt_tokens);
  passing_writer::begin(facts);
}

void metered_writer::text(std::string_view piece, std::uint64_t last,
                          std::span<const token> tokens) {
  charge_reply_up_to(last);
  passing_writer::text(piece, last, tokens);
}

void metered_writer::end(const reply_summary& summary) {
  charge_reply_up_to(summary.completion_tokens);
  passing_writer::end(summary);
}

void metered_writer::charge(std::uint64_t tokens) {
  usage_->charge(tokens, std::chrono::steady_clock::now());
}

void metered_writer::charge_reply_up_to(std::uint64_t last) {
  if (last > charged_)
    charge(last - std::exchange(charged_, last));
}

} // namespace model_server
