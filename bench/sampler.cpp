// How long the draw of one token takes over a large vocabulary.
//
//   sampler [vocabulary]
//
// Prints the median of microseconds a draw for the usual settings, over scores
// as a language model gives them: most tokens far behind, a few ahead.
#include "models/engine/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace model_server;

namespace {

constexpr int draws = 201;

struct setting {
  std::string name;
  sampling_params params;
};

std::vector<setting> settings() {
  return {
      {"greedy", {.temperature = 0.0}},
      {"temperature", {.temperature = 0.8}},
      {"temperature, top_k", {.temperature = 0.8, .top_k = 50}},
      {"temperature, top_p", {.temperature = 0.8, .top_p = 0.95}},
      {"temperature, min_p", {.temperature = 0.8, .min_p = 0.05}},
      {"temperature, typical_p", {.temperature = 0.8, .typical_p = 0.9}},
      {"temperature, top_p, typical_p",
       {.temperature = 0.8, .top_p = 0.95, .typical_p = 0.9}},
      {"all of them but top_k, 20 logprobs",
       {.temperature = 0.8,
        .top_p = 0.95,
        .min_p = 0.01,
        .typical_p = 0.9,
        .repetition_penalty = 1.1,
        .frequency_penalty = 0.5,
        .top_logprobs = 20}},
      {"temperature, top_k, top_p, min_p",
       {.temperature = 0.8, .top_p = 0.95, .min_p = 0.05, .top_k = 50}},
      {"the same and penalties",
       {.temperature = 0.8,
        .top_p = 0.95,
        .min_p = 0.05,
        .top_k = 50,
        .repetition_penalty = 1.1,
        .frequency_penalty = 0.5}},
      {"temperature, 20 logprobs", {.temperature = 0.8, .top_logprobs = 20}},
  };
}

std::vector<float> make_scores(std::size_t vocabulary, float spread) {
  std::mt19937 random{1};
  std::normal_distribution<float> normal{0.0f, spread};
  std::vector<float> result(vocabulary);
  for (auto& score : result)
    score = normal(random);
  return result;
}

// A reply of 500 tokens after a prompt of 500.
sequence make_sequence(const sampling_params& params, std::size_t vocabulary) {
  std::mt19937 random{2};
  sequence result;
  result.prompt_size = 500;
  for (int i = 0; i < 1000; ++i)
    result.tokens.push_back(static_cast<token_id>(random() % vocabulary));
  result.sampling = params;
  return result;
}

double median_microseconds(const std::vector<float>& scores,
                           const sampling_params& params) {
  sampler drawer;
  std::vector<double> times;
  for (int i = 0; i < draws; ++i) {
    auto item = make_sequence(params, scores.size());
    item.sampling.seed = static_cast<std::uint64_t>(i);
    auto copy = scores;
    auto begin = std::chrono::steady_clock::now();
    drawer.extend(item, copy);
    std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - begin;
    times.push_back(time.count());
  }
  std::ranges::nth_element(times, times.begin() + draws / 2);
  return times[draws / 2];
}

} // namespace

int main(int count, char** values) {
  auto vocabulary = count > 1 ? std::strtoull(values[1], nullptr, 10) : 151'936;
  for (auto spread : {3.0f, 0.5f}) {
    auto scores = make_scores(vocabulary, spread);
    fmt::print("{} scores, standard deviation {}\n", vocabulary, spread);
    for (const auto& [name, params] : settings())
      fmt::print("  {:<34}{:>8.0f} us\n", name,
                 median_microseconds(scores, params));
  }
}
