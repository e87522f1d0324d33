// What a reply knows and decides, without sending anything.
#include "actors/reply_state.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

void reply_state::begin(reply_options how, std::unique_ptr<reply_writer> to,
                        time_point now) {
  progress = reply_progress{how.request};
  credit_for_worker = credit_window{how.credit, to->reports_progress()};
  options = std::move(how);
  writer = std::move(to);
  started = now;
  last_sign = now;
}

submit reply_state::next_order() {
  submit result;
  result.request = options.request;
  result.log = progress.log();
  result.attempt = attempt;
  result.credit = credit_for_worker.grant();
  result.resumed = has_begun;
  return result;
}

void reply_state::take_worker(worker_actor whom, const admitted& what,
                              time_point now) {
  worker = std::move(whom);
  waited = time_without_worker(now);
  waiting_since.reset();
  facts = what;
}

void reply_state::wait_for_worker(time_point now) {
  worker = nullptr;
  facts.incarnation = 0;
  if (!waiting_since)
    waiting_since = now;
}

reply_state::time_point::duration
reply_state::time_without_worker(time_point now) const {
  return waiting_since ? waited + (now - *waiting_since) : waited;
}

reply_summary reply_state::summary(finish_reason finish) const {
  reply_summary result;
  result.finish = finish;
  result.seed = options.request.seed;
  result.device = facts.device;
  result.prompt_tokens = facts.prompt_tokens;
  result.completion_tokens = static_cast<std::uint32_t>(progress.last());
  result.cached_tokens = cached_tokens;
  return result;
}

failure reply_state::too_many_lost() const {
  return {errc::worker_lost,
          fmt::format("{} workers were lost under this request, the limit is "
                      "{}",
                      attempt, options.max_attempts),
          "", 0};
}

failure reply_state::nobody_went_on(const std::string& last_words) const {
  return {errc::worker_lost,
          fmt::format("no worker went on with this request within {} ms: {}",
                      options.worker_wait.count(), last_words),
          "", 1};
}

failure reply_state::too_slow() const {
  return {errc::deadline_exceeded,
          fmt::format("the request took longer than the limit of {} ms",
                      options.deadline.count()),
          "", 0};
}

} // namespace model_server
