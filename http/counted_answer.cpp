// Passes an answer on, and counts it on its way.
#include "http/counted_answer.hpp"

#include <prometheus/gauge.h>

#include <string>
#include <utility>

namespace model_server {

namespace {

class counting_answer : public http_answer {
public:
  counting_answer(std::unique_ptr<http_answer> next, std::string_view route,
                  std::shared_ptr<figures> counted)
      : next_(std::move(next)), route_(route), figures_(std::move(counted)) {
    // nop
  }

  // Dropped before it had a status: the client has left.
  ~counting_answer() override {
    if (!is_counted_)
      figures_->count_answer(route_, "none");
    close_stream();
  }

  void watch(answer_events events) override {
    next_->watch(std::move(events));
  }

  void send(http_response response) override {
    count(response.status);
    next_->send(std::move(response));
  }

  void begin(http_response head) override {
    count(head.status);
    is_open_ = true;
    figures_->open_streams().Increment();
    next_->begin(std::move(head));
  }

  void write(std::string piece, std::uint64_t mark) override {
    next_->write(std::move(piece), mark);
  }

  void end(std::string last_piece) override {
    close_stream();
    next_->end(std::move(last_piece));
  }

private:
  void count(unsigned status) {
    is_counted_ = true;
    figures_->count_answer(route_, std::to_string(status / 100) + "xx");
  }

  void close_stream() {
    if (std::exchange(is_open_, false))
      figures_->open_streams().Decrement();
  }

  std::unique_ptr<http_answer> next_;
  std::string_view route_;
  std::shared_ptr<figures> figures_;
  bool is_counted_ = false;
  bool is_open_ = false;
};

} // namespace

std::unique_ptr<http_answer> counted_answer(std::unique_ptr<http_answer> answer,
                                            std::string_view route,
                                            std::shared_ptr<figures> counted) {
  return std::make_unique<counting_answer>(std::move(answer), route,
                                           std::move(counted));
}

} // namespace model_server
