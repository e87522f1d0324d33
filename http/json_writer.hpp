// The whole answer of a call, sent when the reply is complete.
#pragma once

#include "actors/reply_writer.hpp"
#include "http/exchange.hpp"
#include "http/reply_format.hpp"

#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// Gathers the text of a reply and sends one JSON answer.
class json_writer : public reply_writer {
public:
  json_writer(std::unique_ptr<http_answer> answer,
              std::unique_ptr<reply_format> format);

  void begin(const admitted& facts) override;
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;
  void end(const reply_summary& summary) override;
  void fail(const failure& reason) override;
  void ping() override;
  bool reports_progress() const override;

private:
  std::unique_ptr<http_answer> answer_;
  std::unique_ptr<reply_format> format_;
  std::string text_;
  std::vector<token> tokens_;
};

} // namespace model_server
