// An answer that keeps what is written to it.
#pragma once

#include "http/exchange.hpp"

#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// What became of a `recording_answer`; outlives it.
struct recorded_answer {
  http_response response;
  bool has_sent = false;
  bool has_begun = false;
  bool has_ended = false;
  std::vector<std::pair<std::string, std::uint64_t>> pieces;
  std::string last_piece;
  /// Whom the answer tells of its client.
  answer_events events;

  /// The whole body of a stream.
  std::string body() const {
    std::string result;
    for (const auto& [piece, mark] : pieces)
      result += piece;
    return result + last_piece;
  }
};

class recording_answer : public http_answer {
public:
  explicit recording_answer(recorded_answer& record) : record_(record) {
    // nop
  }

  void watch(answer_events events) override {
    record_.events = std::move(events);
  }

  void send(http_response response) override {
    record_.response = std::move(response);
    record_.has_sent = true;
  }

  void begin(http_response head) override {
    record_.response = std::move(head);
    record_.has_begun = true;
  }

  void write(std::string piece, std::uint64_t mark) override {
    record_.pieces.emplace_back(std::move(piece), mark);
  }

  void end(std::string last_piece) override {
    record_.last_piece = std::move(last_piece);
    record_.has_ended = true;
  }

private:
  recorded_answer& record_;
};

} // namespace model_server
