// Counts the tokens of a reply.
#pragma once

#include "http/key_usage.hpp"
#include "http/passing_writer.hpp"

#include <cstdint>
#include <memory>

namespace model_server {

/// Passes a reply on to another writer and charges its tokens to a key, as they
/// come: whoever leaves pays for what was made.
class metered_writer : public passing_writer {
public:
  /// `counts_prompt` is false for further replies to the same prompt.
  metered_writer(std::unique_ptr<reply_writer> next,
                 std::shared_ptr<key_usage> usage, bool counts_prompt);

  void begin(const admitted& facts) override;
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;
  void end(const reply_summary& summary) override;

private:
  void charge(std::uint64_t tokens);
  void charge_reply_up_to(std::uint64_t last);

  std::shared_ptr<key_usage> usage_;
  bool counts_prompt_;
  std::uint64_t charged_ = 0;
};

} // namespace model_server
