// What a reply knows and decides, without sending anything.
#include "actors/reply_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

reply_story begin_story(const reply_options& options) {
  reply_story result;
  result.id = options.request.id;
  result.names = options.names;
  result.index = options.index;
  result.model = options.request.model;
  return result;
}

} // namespace

void reply_state::begin(reply_options how, std::unique_ptr<reply_writer> to,
                        time_point now) {
  progress = reply_progress{how.request};
  credit_for_worker = credit_window{how.credit, to->reports_progress()};
  options = std::move(how);
  writer = std::move(to);
  started = now - options.age;
  last_sign = now;
  record = reply_record{options.telemetry.figures, begin_story(options),
                        !options.shares_prompt, started};
}

submit reply_state::next_order() {
  submit result;
  result.request = options.request;
  result.log = progress.log();
  result.attempt = attempt;
  result.credit = credit_for_worker.grant();
  result.resumed = has_begun;
  result.suspect_until = suspect_until;
  result.has_right_of_way = options.has_right_of_way;
  result.is_promised = options.is_promised;
  if (has_begun)
    result.version = version;
  return result;
}

void reply_state::take_route(worker_actor whom, const routed& route) {
  worker = std::move(whom);
  version = route.version;
  facts.incarnation = route.incarnation;
}

void reply_state::take_facts(const admitted& what, time_point now) {
  waited = time_without_worker(now);
  waiting_since.reset();
  facts = what;
  record.placed(what, now);
}

void reply_state::forget_worker() {
  worker = nullptr;
  facts.incarnation = 0;
  ++asked;
}

void reply_state::wait_for_worker(time_point now) {
  if (!waiting_since)
    waiting_since = now;
}

reply_state::consequence reply_state::judge(const worker_end& end) {
  auto mine = std::ranges::find(end.batch, options.request.id, &step_place::id);
  auto was_hit = mine != end.batch.end();
  // A fault between two steps may still be anybody's.
  auto is_anybodys = end.is_fault && end.batch.empty();
  if (end.batch_is_known && !was_hit && !is_anybodys)
    return consequence::ask_again;
  if (end.is_fault && was_hit) {
    auto was_alone = end.batch.size() == 1;
    if (was_alone && suspect_until > progress.last())
      return consequence::is_poison;
    suspect_until = mine->tokens + 1;
    record.suspected();
  }
  if (attempt >= options.max_attempts)
    return consequence::give_up;
  ++attempt;
  return consequence::ask_again;
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

failure reply_state::poison() const {
  return {errc::poison_request,
          fmt::format("this request broke a worker, and another one when it "
                      "was tried again alone, after {} tokens",
                      progress.last()),
          "", 0};
}

failure reply_state::too_slow() const {
  return {errc::deadline_exceeded,
          fmt::format("the request took longer than the limit of {} ms",
                      options.deadline.count()),
          "", 0};
}

} // namespace model_server
