// Writes stories.
#include "http/story_json.hpp"

#include "http/json.hpp"

#include <fmt/chrono.h>

#include <algorithm>

namespace model_server {

namespace {

using seconds = std::chrono::duration<double>;

std::string show_time(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  auto whole = floor<std::chrono::seconds>(time);
  auto ms = duration_cast<milliseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(system_clock::to_time_t(whole)), ms);
}

void write_trace(json_text& out, const trace_context& trace) {
  out.begin_object();
  out.key("trace_id").text(trace.trace_id);
  out.key("span_id").text(trace.span_id);
  out.key("sampled").boolean(trace.is_sampled);
  if (!trace.state.empty())
    out.key("state").text(trace.state);
  out.end_object();
}

// Each step tells what it knows.
void write_event(json_text& out, const story_event& event) {
  out.begin_object();
  out.key("event").text(to_string(event.step));
  out.key("at").number(seconds{event.at}.count());
  switch (event.step) {
  case story_step::queued:
    break;
  case story_step::placed:
    out.key("device").text(event.device);
    break;
  case story_step::prompt_read:
    out.key("device").text(event.device);
    out.key("steps").number(event.prompt_steps);
    out.key("seconds").number(seconds{event.prompt_time}.count());
    out.key("cached_tokens").number(event.cached_tokens);
    break;
  case story_step::left:
    out.key("device").text(event.device);
    out.key("reason").text(event.reason);
    break;
  case story_step::moved:
    out.key("from").text(event.from);
    out.key("to").text(event.device);
    break;
  case story_step::ended:
    out.key("reason").text(event.reason);
    break;
  }
  out.end_object();
}

void write_steps(json_text& out, const step_summary& steps) {
  out.begin_object();
  out.key("count").number(steps.count);
  out.key("batch_size");
  if (steps.count == 0) {
    out.null();
  } else {
    out.begin_object();
    out.key("min").number(steps.least_batch);
    out.key("mean").number(static_cast<double>(steps.batch_sum)
                           / static_cast<double>(steps.count));
    out.key("max").number(steps.largest_batch);
    out.end_object();
  }
  out.end_object();
}

void write_reply(json_text& out, const reply_story& story) {
  out.begin_object();
  out.key("index").number(story.index);
  out.key("state").text(story.is_over ? "done" : "running");
  out.key("device");
  if (story.device.empty())
    out.null();
  else
    out.text(story.device);
  out.key("usage").begin_object();
  out.key("prompt_tokens").number(story.prompt_tokens);
  out.key("completion_tokens").number(story.completion_tokens);
  out.key("cached_tokens").number(story.cached_tokens);
  out.end_object();
  out.key("steps");
  write_steps(out, story.steps);
  out.key("events").begin_list();
  for (const auto& event : story.events)
    write_event(out, event);
  out.end_list();
  out.key("events_left_out").number(story.events_left_out);
  out.end_object();
}

} // namespace

std::string story_json(const request_stories& stories) {
  const auto& first = stories.replies.front();
  json_text out;
  out.begin_object();
  out.key("id").text(first.names.reply_id);
  out.key("request_id").text(first.names.public_id);
  out.key("model").text(first.model);
  out.key("received").text(show_time(first.names.received));
  out.key("state").text(
      std::ranges::all_of(stories.replies, &reply_story::is_over) ? "done"
                                                                  : "running");
  out.key("trace");
  if (first.names.trace)
    write_trace(out, first.names.trace);
  else
    out.null();
  out.key("replies").begin_list();
  for (const auto& story : stories.replies)
    write_reply(out, story);
  out.end_list();
  out.end_object();
  return out.str();
}

} // namespace model_server
