// A reply as a stream of server-sent events.
#pragma once

#include "actors/reply_writer.hpp"
#include "http/exchange.hpp"
#include "http/reply_format.hpp"

#include <memory>
#include <string>

namespace model_server {

/// Sends each piece of a reply as it comes, then what ends it and `[DONE]`. A
/// failure after the beginning, or after a ping, is an event too, and no
/// `[DONE]` follows.
class sse_writer : public reply_writer {
public:
  sse_writer(std::unique_ptr<http_answer> answer,
             std::unique_ptr<reply_format> format);

  void begin(const admitted& facts) override;
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;
  void end(const reply_summary& summary) override;
  void fail(const failure& reason) override;
  void ping() override;
  bool reports_progress() const override;

private:
  void send_head();

  std::unique_ptr<http_answer> answer_;
  std::unique_ptr<reply_format> format_;
  bool has_begun_ = false;
};

} // namespace model_server
