// Writes an answer with RESTinio's builders. Included by server.cpp alone.
#pragma once

#include "http/error_reply.hpp"
#include "http/io_loop.hpp"
#include "http/restinio_traits.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>

namespace model_server {

/// How the pieces of one answer fare; shared with the callbacks of its writes.
class answer_progress {
public:
  explicit answer_progress(std::size_t max_unsent_bytes)
      : max_unsent_(max_unsent_bytes) {
    // nop
  }

  void watch(answer_events events) {
    events_ = std::move(events);
  }

  /// A piece is on its way; any thread.
  void add(std::size_t bytes) {
    unsent_ += bytes;
  }

  /// A piece was taken or lost; on the I/O thread. While much is still
  /// unsent, its mark is held back: no credit for a client that lags behind.
  void settle(const std::error_code& ec, std::size_t bytes,
              std::uint64_t mark) {
    auto left = unsent_ -= bytes;
    if (ec)
      return leave();
    held_mark_ = std::max(held_mark_, mark);
    if (held_mark_ > told_mark_ && left <= max_unsent_ && events_.taken) {
      told_mark_ = held_mark_;
      events_.taken(told_mark_);
    }
  }

  /// The client has left; on the I/O thread.
  void leave() {
    if (auto client_left = std::exchange(events_.client_left, nullptr))
      client_left();
  }

private:
  const std::size_t max_unsent_;
  std::atomic<std::size_t> unsent_{0};
  answer_events events_;
  std::uint64_t held_mark_ = 0;
  std::uint64_t told_mark_ = 0;
};

/// The answer to one request of RESTinio's.
class restinio_answer : public http_answer {
public:
  restinio_answer(std::shared_ptr<io_loop> loop,
                  std::shared_ptr<wire_connection> connection,
                  restinio::request_handle_t request, std::string request_id,
                  std::size_t max_unsent_bytes)
      : loop_(std::move(loop)),
        connection_(std::move(connection)),
        request_(std::move(request)),
        request_id_(std::move(request_id)),
        is_head_(connection_->guard().is_head()),
        progress_(std::make_shared<answer_progress>(max_unsent_bytes)) {
    // nop
  }

  void watch(answer_events events) override {
    progress_->watch(std::move(events));
    connection_->on_departure([progress = progress_] { progress->leave(); });
  }

  void send(http_response response) override {
    if (is_head_ || response.status == 304)
      return send_head(response);
    auto builder = request_->create_response(status_line(response.status));
    add_headers(builder, response);
    builder.set_body(std::move(response.body));
    release();
    builder.done();
  }

  void begin(http_response head) override {
    stream_.emplace(request_->create_response<restinio::chunked_output_t>(
        status_line(head.status)));
    add_headers(*stream_, head);
    release();
    stream_->flush();
  }

  void write(std::string piece, std::uint64_t mark) override {
    auto size = piece.size();
    progress_->add(size);
    stream_->append_chunk(std::move(piece));
    stream_->flush([progress = progress_, size, mark](const auto& ec) {
      progress->settle(ec, size, mark);
    });
  }

  void end(std::string last_piece) override {
    stream_->append_chunk(std::move(last_piece));
    stream_->done();
  }

private:
  /// The head alone, with the length of the body that it leaves out.
  void send_head(http_response& response) {
    auto builder =
        request_->create_response<restinio::user_controlled_output_t>(
            status_line(response.status));
    add_headers(builder, response);
    builder.set_content_length(response.body.size());
    release();
    builder.done();
  }

  static restinio::http_status_line_t status_line(unsigned status) {
    return {restinio::http_status_code_t{static_cast<std::uint16_t>(status)},
            std::string{reason_phrase(status)}};
  }

  template <class Builder>
  void add_headers(Builder& builder, http_response& response) {
    builder.append_header_date_field();
    if (!response.content_type.empty())
      builder.append_header("content-type", std::move(response.content_type));
    builder.append_header("x-request-id", request_id_);
    for (auto& [name, value] : response.headers)
      builder.append_header(std::move(name), std::move(value));
    if (connection_->has_last_answer())
      builder.connection_close();
  }

  /// The request and its body are no longer needed.
  void release() {
    request_.reset();
    connection_.reset();
  }

  // Last to be destroyed: the rest belongs to it.
  std::shared_ptr<io_loop> loop_;
  std::shared_ptr<wire_connection> connection_;
  restinio::request_handle_t request_;
  std::string request_id_;
  bool is_head_;
  std::shared_ptr<answer_progress> progress_;
  std::optional<restinio::response_builder_t<restinio::chunked_output_t>>
      stream_;
};

} // namespace model_server
