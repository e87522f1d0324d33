// Puts a load on a server and measures what comes back.
#include "http/client/bench.hpp"

#include "http/client/bench_prompt.hpp"
#include "http/client/bench_report.hpp"
#include "http/client/conversation.hpp"
#include "http/client/output.hpp"
#include "http/client/reply_event.hpp"
#include "http/client/server_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace model_server {

namespace {

using clock = std::chrono::steady_clock;

constexpr int failed = 1;
constexpr int stopped = 130;

float seconds_between(clock::time_point from, clock::time_point to) {
  return std::chrono::duration<float>(to - from).count();
}

/// One request, and when what of its reply came.
class measured_call {
public:
  measured_call(const server_link& server, const std::string& path,
                std::string body)
      : exchange_(server.request(path, std::move(body)),
                  [this](const http_head& head, std::string_view bytes) {
                    return take(head, bytes);
                  }) {
  }

  void start(http_loop& loop) {
    sent_ = last_ = clock::now();
    loop.start(exchange_);
  }

  bool is(const http_exchange& exchange) const {
    return &exchange == &exchange_;
  }

  /// What went wrong, after its end; empty if nothing did.
  server_error problem(const server_link& server) const {
    if (is_done_)
      return {};
    if (!error_.message.empty())
      return error_;
    if (exchange_.end() != exchange_end::complete)
      return {server.describe(exchange_.end(), exchange_.problem()),
              "connection"};
    if (exchange_.head().status == 200)
      return {"the connection ended in the middle of the reply", "connection"};
    return {server.describe(exchange_.head(), refusal_),
            read_server_error(refusal_).code};
  }

  /// Adds a reply that came whole.
  void add_to(bench_samples& samples) const {
    if (tokens_ > 0)
      samples.first_token.push_back(first_token_);
    samples.whole_reply.push_back(seconds_between(sent_, last_));
    samples.between_tokens.insert(samples.between_tokens.end(),
                                  between_tokens_.begin(),
                                  between_tokens_.end());
    samples.prompt_tokens += usage_.prompt_tokens;
    samples.cached_tokens += usage_.cached_tokens;
    samples.completion_tokens += usage_.completion_tokens;
  }

private:
  bool take(const http_head& head, std::string_view bytes) {
    if (head.status != 200) {
      refusal_ += bytes;
      return refusal_.size() <= server_link::max_answer_bytes;
    }
    auto now = clock::now();
    for (const auto& event : reader_.feed(bytes)) {
      auto news = read_reply_event(event);
      if (!news.error.empty())
        error_ = {news.error, news.error_code};
      if (news.usage)
        usage_ = *news.usage;
      count_tokens(news.tokens, now);
      is_done_ = news.is_done;
      if (is_done_ || !news.error.empty())
        return false;
    }
    return true;
  }

  void count_tokens(std::uint64_t tokens, clock::time_point now) {
    if (tokens <= tokens_)
      return;
    auto since = seconds_between(last_, now);
    auto count = tokens - tokens_;
    if (tokens_ == 0)
      first_token_ = since;
    else
      between_tokens_.insert(between_tokens_.end(), count,
                             since / static_cast<float>(count));
    tokens_ = tokens;
    last_ = now;
  }

  http_exchange exchange_;
  event_reader reader_;
  clock::time_point sent_;
  /// When the newest token came; at first, when the request was sent.
  clock::time_point last_;
  std::uint64_t tokens_ = 0;
  float first_token_ = 0;
  std::vector<float> between_tokens_;
  reply_usage usage_;
  server_error error_;
  std::string refusal_;
  bool is_done_ = false;
};

/// All requests of a run.
class bench_run {
public:
  bench_run(const bench_options& options, const interrupt_watch& watch)
      : options_(options),
        path_("/api/v1/" + options.model + "/call"),
        server_(options.server, &watch),
        prompts_(std::random_device{}()) {
    prompts_.fit(server_, options.model, options.prompt_tokens);
  }

  /// One request that isn't counted. Throws `std::runtime_error` if it fails.
  void try_one() {
    auto call = new_call();
    call->start(server_.loop());
    server_.loop().wait();
    if (auto problem = call->problem(server_); !problem.message.empty())
      throw std::runtime_error(problem.message);
  }

  /// Adds to the samples as long as there is something to do. Throws
  /// `interrupted`.
  void measure(bench_samples& samples) {
    std::vector<std::unique_ptr<measured_call>> running;
    auto begin = clock::now();
    auto left = options_.requests;
    while (left > 0 || !running.empty()) {
      for (; left > 0 && running.size() < options_.streams; --left) {
        running.push_back(new_call());
        running.back()->start(server_.loop());
      }
      const auto& ended = server_.loop().wait();
      auto call = std::ranges::find_if(
          running, [&](const auto& each) { return each->is(ended); });
      auto problem = (*call)->problem(server_);
      if (problem.message.empty())
        (*call)->add_to(samples);
      else
        ++samples.errors[problem.code.empty() ? problem.message : problem.code];
      running.erase(call);
      samples.seconds = seconds_between(begin, clock::now());
    }
  }

private:
  std::unique_ptr<measured_call> new_call() {
    conversation talk;
    talk.set_field("max_tokens", fmt::format("{}", options_.max_tokens));
    talk.set_field("ignore_eos", "true"); // each reply is as long as asked
    talk.say(prompts_.next());
    return std::make_unique<measured_call>(server_, path_, talk.body());
  }

  const bench_options& options_;
  std::string path_;
  server_link server_;
  bench_prompts prompts_;
};

} // namespace

int bench(const bench_options& options) {
  interrupt_watch watch;
  bench_run run{options, watch};
  run.try_one();
  bench_samples samples;
  auto is_whole = true;
  try {
    run.measure(samples);
  } catch (const interrupted&) {
    is_whole = false;
  }
  bench_setup setup{options.model, options.server.url, options.streams,
                    options.requests};
  print_now(options.as_json ? bench_json(setup, samples)
                            : bench_text(setup, samples));
  if (!is_whole)
    return stopped;
  return samples.failures() > 0 ? failed : 0;
}

} // namespace model_server
