// Passes the client's fate on to the replies.
#include "http/reply_group.hpp"

#include <caf/send.hpp>

#include <utility>

namespace model_server {

namespace {

template <class Message>
void tell_all(const std::vector<reply_actor>& replies, const Message& message) {
  for (const auto& each : replies)
    caf::anon_send(each, message);
}

} // namespace

void reply_group::set(std::vector<reply_actor> replies) {
  std::lock_guard guard{lock_};
  replies_ = std::move(replies);
  if (has_left_)
    tell_all(replies_, model_server::client_left{});
  if (failure_)
    tell_all(replies_, stop_reply{*failure_});
}

std::uint64_t reply_group::mark(std::size_t choice, std::uint64_t last) {
  std::lock_guard guard{lock_};
  sent_.push_back({++last_mark_, choice, last});
  return last_mark_;
}

void reply_group::taken(std::uint64_t mark) {
  std::lock_guard guard{lock_};
  while (!sent_.empty() && sent_.front().mark <= mark) {
    auto piece = sent_.front();
    sent_.pop_front();
    if (piece.choice < replies_.size())
      caf::anon_send(replies_[piece.choice], written{piece.last});
  }
}

void reply_group::client_left() {
  std::lock_guard guard{lock_};
  has_left_ = true;
  tell_all(replies_, model_server::client_left{});
}

void reply_group::stop(const failure& reason) {
  std::lock_guard guard{lock_};
  failure_ = reason;
  tell_all(replies_, stop_reply{reason});
}

} // namespace model_server
