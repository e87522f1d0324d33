// An answer to somebody who came in with a key, or from a page.
#pragma once

#include "http/exchange.hpp"
#include "http/key_usage.hpp"

#include <memory>

namespace model_server {

/// Adds header fields to an answer, and counts its request out when it is
/// complete or dropped.
class guarded_answer : public http_answer {
public:
  /// `usage` may be null; what is left of it is told in every answer.
  guarded_answer(std::unique_ptr<http_answer> next, http_headers headers,
                 std::shared_ptr<key_usage> usage, bool is_counted);
  ~guarded_answer() override;

  guarded_answer(const guarded_answer&) = delete;
  guarded_answer& operator=(const guarded_answer&) = delete;

  void watch(answer_events events) override;
  void send(http_response response) override;
  void begin(http_response head) override;
  void write(std::string piece, std::uint64_t mark) override;
  void end(std::string last_piece) override;

private:
  void add_headers(http_response& response);
  void count_out();

  std::unique_ptr<http_answer> next_;
  http_headers headers_;
  std::shared_ptr<key_usage> usage_;
  bool is_counted_;
};

} // namespace model_server
