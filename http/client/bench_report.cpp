// Writes the figures of a benchmark.
#include "http/client/bench_report.hpp"

#include "http/client/terminal_text.hpp"

#include <fmt/format.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

struct spread {
  float p50 = 0;
  float p95 = 0;
};

spread spread_of(std::vector<float>& values) {
  return {percentile(values, 0.5), percentile(values, 0.95)};
}

double per(double amount, double divisor) {
  return divisor > 0 ? amount / divisor : 0;
}

/// All that is derived from samples.
struct bench_figures {
  explicit bench_figures(bench_samples& samples)
      : tokens_per_second(
          per(static_cast<double>(samples.completion_tokens), samples.seconds)),
        requests_per_second(
            per(static_cast<double>(samples.replies()), samples.seconds)),
        prompt_mean(per(static_cast<double>(samples.prompt_tokens),
                        static_cast<double>(samples.replies()))),
        cached_mean(per(static_cast<double>(samples.cached_tokens),
                        static_cast<double>(samples.replies()))),
        reply_mean(per(static_cast<double>(samples.completion_tokens),
                       static_cast<double>(samples.replies()))),
        first_token(spread_of(samples.first_token)),
        between_tokens(spread_of(samples.between_tokens)),
        whole_reply(spread_of(samples.whole_reply)) {
  }

  double tokens_per_second;
  double requests_per_second;
  double prompt_mean;
  double cached_mean;
  double reply_mean;
  spread first_token;
  spread between_tokens;
  spread whole_reply;
};

} // namespace

float percentile(std::vector<float>& values, double share) {
  if (values.empty())
    return 0;
  auto rank = static_cast<std::size_t>(
      std::ceil(share * static_cast<double>(values.size())));
  auto place =
      values.begin()
      + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, place);
  return *place;
}

std::size_t bench_samples::failures() const {
  std::size_t result = 0;
  for (const auto& [what, count] : errors)
    result += count;
  return result;
}

std::string bench_text(const bench_setup& setup, bench_samples samples) {
  bench_figures figures{samples};
  std::string text =
      fmt::format("{} at {}: {} requests, {} at a time\n", setup.model,
                  setup.url, setup.requests, setup.streams);
  auto add = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<22}{}\n", name, value);
  };
  auto add_times = [&](std::string_view name, spread times) {
    add(name, fmt::format("p50 {:9.2f} ms   p95 {:9.2f} ms", times.p50 * 1e3F,
                          times.p95 * 1e3F));
  };
  add("tokens/s",
      fmt::format("{:.1f} ({} tokens in {:.2f} s)", figures.tokens_per_second,
                  samples.completion_tokens, samples.seconds));
  add("replies/s", fmt::format("{:.2f}", figures.requests_per_second));
  add_times("time to first token", figures.first_token);
  add_times("between tokens", figures.between_tokens);
  add_times("whole reply", figures.whole_reply);
  add("prompt, on average",
      fmt::format("{:.1f} tokens, {:.1f} of them from the cache",
                  figures.prompt_mean, figures.cached_mean));
  add("reply, on average", fmt::format("{:.1f} tokens", figures.reply_mean));
  add("errors", fmt::format("{}", samples.failures()));
  for (const auto& [what, count] : samples.errors)
    text += fmt::format("    {} x {}\n", count, plain_text(what));
  return text;
}

std::string bench_json(const bench_setup& setup, bench_samples samples) {
  bench_figures figures{samples};
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter out{buffer};
  auto number = [&](const char* key, double value) {
    out.Key(key);
    out.Double(value);
  };
  auto count = [&](const char* key, std::uint64_t value) {
    out.Key(key);
    out.Uint64(value);
  };
  auto times = [&](const char* key, spread value) {
    out.Key(key);
    out.StartObject();
    number("p50", value.p50);
    number("p95", value.p95);
    out.EndObject();
  };
  out.SetMaxDecimalPlaces(6);
  out.StartObject();
  out.Key("model");
  out.String(setup.model);
  out.Key("url");
  out.String(setup.url);
  count("streams", setup.streams);
  count("requests", setup.requests);
  count("replies", samples.replies());
  count("failures", samples.failures());
  number("seconds", samples.seconds);
  count("prompt_tokens", samples.prompt_tokens);
  count("cached_tokens", samples.cached_tokens);
  count("completion_tokens", samples.completion_tokens);
  number("tokens_per_second", figures.tokens_per_second);
  number("replies_per_second", figures.requests_per_second);
  times("time_to_first_token", figures.first_token);
  times("between_tokens", figures.between_tokens);
  times("whole_reply", figures.whole_reply);
  out.Key("errors");
  out.StartObject();
  for (const auto& [what, times_seen] : samples.errors)
    count(what.c_str(), times_seen);
  out.EndObject();
  out.EndObject();
  return std::string{buffer.GetString(), buffer.GetSize()} + "\n";
}

} // namespace model_server
