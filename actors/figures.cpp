// Counts with prometheus-cpp: its registry holds every series.
#include "actors/figures.hpp"

#include "actors/memory_level.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace model_server {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::MetricFamily;
using prometheus::Registry;

using buckets = Histogram::BucketBoundaries;

// Seconds, each for what it measures. The lower ends are for small models.
const buckets first_token_buckets{
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
    0.75,  1,      2.5,   5,    7.5,  10,   20,   40,   80,  160,  640};
const buckets inter_token_buckets{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15,
    0.2,    0.3,   0.4,    0.5,   0.75, 1,     2.5,   5,    10,    20,  40};
const buckets request_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                              1.5,   2,    2.5,   5,    10,  15,   20,  30,
                              40,    50,   60,    120,  240, 480,  960, 1920};
const buckets queue_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                            0.25,  0.5,    1,     2.5,  5,     10,   20,
                            30,    60,     120,   240,  480};
// Replies in a step; `worker_counts` counts by the same.
const buckets batch_buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

const std::string other_device = "other";

Family<Counter>& counter(Registry& registry, const std::string& name,
                         const std::string& help) {
  return prometheus::BuildCounter()
      .Name("model_server_" + name)
      .Help(help)
      .Register(registry);
}

prometheus::Gauge& gauge(Registry& registry, const std::string& name,
                         const std::string& help) {
  return prometheus::BuildGauge()
      .Name("model_server_" + name)
      .Help(help)
      .Register(registry)
      .Add({});
}

Family<Histogram>& histogram(Registry& registry, const std::string& name,
                             const std::string& help) {
  return prometheus::BuildHistogram()
      .Name("model_server_" + name)
      .Help(help)
      .Register(registry);
}

} // namespace

struct figures::families {
  explicit families(Registry& to)
      : prompt_tokens(counter(to, "prompt_tokens_total",
                              "Tokens of prompts that workers took.")),
        generation_tokens(
            counter(to, "generation_tokens_total", "Tokens of replies.")),
        requests(counter(to, "requests_total",
                         "Replies and embeddings that ended, by how.")),
        rejects(counter(to, "rejects_total",
                        "Requests that no worker began with, by the error's "
                        "code.")),
        failures(counter(to, "failures_total",
                         "Requests that failed after a worker had taken them, "
                         "by the error's code.")),
        cancels(counter(to, "cancels_total",
                        "Requests whose client left before the end.")),
        resumes(counter(to, "resumes_total",
                        "Times that a reply went on with another worker.")),
        suspects(counter(to, "suspects_total",
                         "Times that a reply was in the step in which a worker "
                         "broke.")),
        cache_queries(counter(to, "prefix_cache_query_tokens_total",
                              "Tokens of prompts that were looked up in a "
                              "worker's cache.")),
        cache_hits(counter(to, "prefix_cache_hit_tokens_total",
                           "Of these, tokens that were found computed.")),
        restarts(counter(to, "worker_restarts_total",
                         "Workers that were lost and started again.")),
        time_to_first_token(
            histogram(to, "time_to_first_token_seconds",
                      "From a request's arrival to its first token.")),
        inter_token(histogram(to, "inter_token_seconds",
                              "Between two tokens of a reply.")),
        request(histogram(to, "request_seconds",
                          "From a request's arrival to its end, by stop or "
                          "length.")),
        queue(histogram(to, "queue_seconds",
                        "From a request's arrival to the first step that reads "
                        "its prompt.")),
        batch_size(histogram(to, "batch_size", "Replies in a worker's step.")),
        answers(counter(to, "http_requests_total",
                        "HTTP requests that were answered, by route and class "
                        "of status.")),
        memory_levels(counter(to, "memory_levels_total",
                              "Times that memory came to a level.")),
        memory_left(gauge(to, "memory_left_bytes",
                          "Memory that the server could still have.")),
        open_streams(gauge(to, "open_streams",
                           "Streams of events that are under way.")) {
    for (auto level :
         {memory_level::plenty, memory_level::close_connections,
          memory_level::refuse_requests, memory_level::cancel_waiting})
      memory_levels.Add({{"level", std::string{to_string(level)}}});
  }

  Family<Counter>& prompt_tokens;
  Family<Counter>& generation_tokens;
  Family<Counter>& requests;
  Family<Counter>& rejects;
  Family<Counter>& failures;
  Family<Counter>& cancels;
  Family<Counter>& resumes;
  Family<Counter>& suspects;
  Family<Counter>& cache_queries;
  Family<Counter>& cache_hits;
  Family<Counter>& restarts;
  Family<Histogram>& time_to_first_token;
  Family<Histogram>& inter_token;
  Family<Histogram>& request;
  Family<Histogram>& queue;
  Family<Histogram>& batch_size;
  Family<Counter>& answers;
  Family<Counter>& memory_levels;
  prometheus::Gauge& memory_left;
  prometheus::Gauge& open_streams;
};

std::string to_string(request_outcome outcome) {
  switch (outcome) {
  case request_outcome::stop:
    return "stop";
  case request_outcome::length:
    return "length";
  case request_outcome::cancelled:
    return "cancelled";
  case request_outcome::rejected:
    return "rejected";
  case request_outcome::failed:
    return "failed";
  }
  return "failed";
}

figures::figures()
    : registry_(std::make_unique<Registry>()),
      families_(std::make_unique<families>(*registry_)) {
}

figures::~figures() = default;

void figures::add_model(const std::string& name) {
  std::unique_lock guard{lock_};
  if (models_.contains(name))
    return;
  auto& all = *families_;
  prometheus::Labels labels{{"model", name}};
  std::array<Counter*, request_outcomes> requests{};
  for (std::size_t i = 0; i < requests.size(); ++i)
    requests[i] = &all.requests.Add(
        {{"model", name},
         {"outcome", to_string(static_cast<request_outcome>(i))}});
  // Seen before it happens: a rate needs a beginning.
  for (const auto* reason : {"queue_full", "queue_timeout", "low_memory"})
    all.rejects.Add({{"model", name}, {"reason", reason}});
  all.failures.Add({{"model", name}, {"reason", "worker_lost"}});
  models_.emplace(
      name,
      known_model{{all.prompt_tokens.Add(labels), all.resumes.Add(labels),
                   all.suspects.Add(labels), all.cancels.Add(labels), requests,
                   all.time_to_first_token.Add(labels, first_token_buckets),
                   all.inter_token.Add(labels, inter_token_buckets),
                   all.request.Add(labels, request_buckets),
                   all.queue.Add(labels, queue_buckets)},
                  {}});
}

device_figures figures::make_device(const std::string& model,
                                    const std::string& device) {
  auto& all = *families_;
  prometheus::Labels labels{{"model", model}, {"device", device}};
  return {all.generation_tokens.Add(labels), all.cache_queries.Add(labels),
          all.cache_hits.Add(labels), all.restarts.Add(labels),
          all.batch_size.Add(labels, batch_buckets)};
}

device_figures& figures::add_device(const std::string& model,
                                    const std::string& device) {
  add_model(model);
  std::unique_lock guard{lock_};
  auto& devices = models_.find(model)->second.devices;
  if (auto known = devices.find(device); known != devices.end())
    return known->second;
  const auto& name = devices.size() < most_devices ? device : other_device;
  return devices.emplace(name, make_device(model, name)).first->second;
}

model_figures* figures::of(std::string_view model) {
  std::shared_lock guard{lock_};
  auto found = models_.find(model);
  return found == models_.end() ? nullptr : &found->second.own;
}

device_figures* figures::of(std::string_view model, std::string_view device) {
  {
    std::shared_lock guard{lock_};
    auto found = models_.find(model);
    if (found == models_.end())
      return nullptr;
    auto& devices = found->second.devices;
    if (auto known = devices.find(device); known != devices.end())
      return &known->second;
  }
  return &add_device(std::string{model}, other_device);
}

bool figures::is_known(std::string_view model) const {
  std::shared_lock guard{lock_};
  return models_.contains(model);
}

void figures::count_reject(std::string_view model, const std::string& code) {
  if (is_known(model))
    families_->rejects.Add({{"model", std::string{model}}, {"reason", code}})
        .Increment();
}

void figures::count_failure(std::string_view model, const std::string& code) {
  if (is_known(model))
    families_->failures.Add({{"model", std::string{model}}, {"reason", code}})
        .Increment();
}

void figures::count_answer(std::string_view route,
                           const std::string& status_class) {
  families_->answers
      .Add({{"route", std::string{route}}, {"status", status_class}})
      .Increment();
}

void figures::count_memory_level(std::string_view level) {
  families_->memory_levels.Add({{"level", std::string{level}}}).Increment();
}

void figures::set_memory_left(std::uint64_t bytes) {
  families_->memory_left.Set(static_cast<double>(bytes));
}

prometheus::Gauge& figures::open_streams() {
  return families_->open_streams;
}

std::vector<MetricFamily> figures::collect() const {
  auto result = registry_->Collect();
  auto has_device = [this](const prometheus::ClientMetric& metric) {
    auto label = std::ranges::find(metric.label, "model",
                                   &prometheus::ClientMetric::Label::name);
    if (label == metric.label.end())
      return true;
    auto found = models_.find(label->value);
    return found != models_.end() && !found->second.devices.empty();
  };
  {
    std::shared_lock guard{lock_};
    for (auto& family : result)
      if (family.type == prometheus::MetricType::Histogram)
        std::erase_if(family.metric,
                      [&](const auto& metric) { return !has_device(metric); });
  }
  std::erase_if(result,
                [](const auto& family) { return family.metric.empty(); });
  std::ranges::sort(result, {}, &MetricFamily::name);
  for (auto& family : result)
    std::ranges::sort(family.metric, {}, &prometheus::ClientMetric::label);
  return result;
}

} // namespace model_server
