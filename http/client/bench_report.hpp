// The figures of a benchmark: what was measured, and what it comes to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace model_server {

/// The value below which `share` of the others lie, by the nearest rank; 0 of
/// nothing. `share` is above 0 and at most 1. Reorders the values.
float percentile(std::vector<float>& values, double share);

/// What the requests of a run have brought. Times are in seconds.
struct bench_samples {
  std::vector<float> first_token;
  /// Between one token of a reply and the next. Tokens that came together share
  /// the time since those before them evenly.
  std::vector<float> between_tokens;
  std::vector<float> whole_reply;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t completion_tokens = 0;
  /// From the first request to the last answer.
  double seconds = 0;
  /// How often what went wrong.
  std::map<std::string, std::size_t> errors;

  std::size_t replies() const {
    return whole_reply.size();
  }
  std::size_t failures() const;
};

/// What was asked for.
struct bench_setup {
  std::string model;
  std::string url;
  unsigned streams = 0;
  unsigned requests = 0;
};

/// For people.
std::string bench_text(const bench_setup& setup, bench_samples samples);

/// One object; times are in seconds.
std::string bench_json(const bench_setup& setup, bench_samples samples);

} // namespace model_server
