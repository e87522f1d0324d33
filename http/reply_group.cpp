// Passes the client's fate on to the replies.
#include "http/reply_group.hpp"

#include <caf/send.hpp>

#include <utility>

namespace model_server {

namespace {

template <class Message>
void tell(const reply_actor& reply, const Message& message) {
  if (reply)
    caf::anon_send(reply, message);
}

} // namespace

reply_group::reply_group(std::size_t choices) : replies_(choices) {
  // nop
}

void reply_group::set(std::size_t choice, reply_actor reply) {
  std::lock_guard guard{lock_};
  replies_[choice] = std::move(reply);
  if (has_left_)
    tell(replies_[choice], model_server::client_left{});
  if (failure_)
    tell(replies_[choice], stop_reply{*failure_});
}

std::uint64_t reply_group::mark(std::size_t choice, std::uint64_t last) {
  std::lock_guard guard{lock_};
  sent_.push_back({++last_mark_, choice, last});
  return last_mark_;
}

void reply_group::taken(std::uint64_t mark) {
  std::lock_guard guard{lock_};
  while (!sent_.empty() && sent_.front().mark <= mark) {
    tell(replies_[sent_.front().choice], written{sent_.front().last});
    sent_.pop_front();
  }
}

void reply_group::client_left() {
  std::lock_guard guard{lock_};
  has_left_ = true;
  for (const auto& each : replies_)
    tell(each, model_server::client_left{});
}

void reply_group::stop(const failure& reason) {
  std::lock_guard guard{lock_};
  failure_ = reason;
  for (const auto& each : replies_)
    tell(each, stop_reply{reason});
}

} // namespace model_server
