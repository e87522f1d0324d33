// Counts events and writes them down.
#include "actors/reply_record.hpp"

#include "models/text/utf8.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

using seconds = std::chrono::duration<double>;

// Some come from a worker's last words.
constexpr std::size_t most_reason_bytes = 200;

} // namespace

reply_record::reply_record(std::shared_ptr<figures> counted_in,
                           reply_story begun, bool counts_prompt,
                           time_point started)
    : figures_(std::move(counted_in)),
      model_(figures_ ? figures_->of(begun.model) : nullptr),
      story_(std::move(begun)),
      counts_prompt_(counts_prompt),
      started_(started) {
  story_.events.push_back({});
}

void reply_record::placed(const admitted& facts, time_point now) {
  if (model_) {
    device_ = figures_->of(story_.model, facts.device);
    if (was_placed_)
      model_->resumes.Increment();
    else if (counts_prompt_)
      model_->prompt_tokens.Increment(facts.prompt_tokens);
  }
  story_event event{.step =
                        was_placed_ ? story_step::moved : story_step::placed,
                    .device = facts.device};
  if (was_placed_)
    event.from = story_.device;
  note(std::move(event), now);
  story_.device = facts.device;
  story_.prompt_tokens = facts.prompt_tokens;
  is_placed_ = was_placed_ = true;
  is_new_there_ = true;
}

void reply_record::made(const token_chunk& chunk, std::size_t tokens,
                        time_point now) {
  if (std::exchange(is_new_there_, false))
    read_prompt(chunk, now);
  if (tokens == 0)
    return;
  story_.steps.add(chunk.batch_size);
  story_.completion_tokens += static_cast<std::uint32_t>(tokens);
  auto before = std::exchange(last_token_, now);
  if (!model_)
    return;
  device_->generation_tokens.Increment(static_cast<double>(tokens));
  if (!before)
    return model_->time_to_first_token.Observe(seconds_to(now));
  auto gap = seconds{now - *before}.count() / static_cast<double>(tokens);
  for (std::size_t i = 0; i < tokens; ++i)
    model_->inter_token.Observe(gap);
}

void reply_record::read_prompt(const token_chunk& chunk, time_point now) {
  note({.step = story_step::prompt_read,
        .device = story_.device,
        .prompt_steps = chunk.reading.steps,
        .prompt_time = chunk.reading.time,
        .cached_tokens = chunk.cached_tokens},
       now);
  auto is_first = !std::exchange(was_read_, true);
  if (is_first)
    story_.cached_tokens = chunk.cached_tokens;
  if (!model_)
    return;
  if (is_first)
    model_->queue.Observe(
        std::max(0.0, seconds_to(now) - seconds{chunk.reading.time}.count()));
  // Embeddings use nothing that was read before.
  if (chunk.embedding.empty()) {
    device_->cache_query_tokens.Increment(story_.prompt_tokens);
    device_->cache_hit_tokens.Increment(chunk.cached_tokens);
  }
}

void reply_record::left(std::string_view why, time_point now) {
  if (!std::exchange(is_placed_, false))
    return; // it was only on its way there
  note({.step = story_step::left,
        .device = story_.device,
        .reason = repair_utf8(why.substr(0, most_reason_bytes))},
       now);
}

void reply_record::suspected() {
  if (model_)
    model_->suspects.Increment();
}

void reply_record::finished(finish_reason how, time_point now) {
  if (model_)
    model_->request.Observe(seconds_to(now));
  end(how == finish_reason::length ? request_outcome::length
                                   : request_outcome::stop,
      to_string(how), now);
}

void reply_record::failed(const failure& why, time_point now) {
  auto code = to_string(why.code);
  // Its worker may have had it in its queue only.
  auto only_waited =
      !was_read_
      && (why.code == errc::queue_timeout || why.code == errc::low_memory);
  auto was_rejected = !was_placed_ || only_waited;
  if (model_ && was_rejected)
    figures_->count_reject(story_.model, code);
  else if (model_)
    figures_->count_failure(story_.model, code);
  end(was_rejected ? request_outcome::rejected : request_outcome::failed, code,
      now);
}

void reply_record::client_left(time_point now) {
  if (model_)
    model_->cancels.Increment();
  end(request_outcome::cancelled, "client_left", now);
}

void reply_record::end(request_outcome outcome, std::string reason,
                       time_point now) {
  if (model_)
    model_->requests[static_cast<std::size_t>(outcome)]->Increment();
  note({.step = story_step::ended, .reason = std::move(reason)}, now);
  story_.is_over = true;
}

void reply_record::note(story_event event, time_point now) {
  event.at =
      std::chrono::duration_cast<std::chrono::microseconds>(now - started_);
  auto& events = story_.events;
  if (events.size() < most_story_events) {
    events.push_back(std::move(event));
    return;
  }
  events.back() = std::move(event);
  ++story_.events_left_out;
}

double reply_record::seconds_to(time_point now) const {
  return seconds{now - started_}.count();
}

} // namespace model_server
