// Draws words and counts their tokens.
#include "http/client/bench_prompt.hpp"

#include "models/text/json_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace model_server {

namespace {

constexpr std::array vocabulary{
    "water", "house", "light", "under", "paper", "green",  "river", "music",
    "stone", "early", "table", "bread", "north", "sleep",  "cloud", "seven",
    "plant", "voice", "child", "metal", "horse", "summer", "glass", "round",
    "story", "field", "quick", "brown", "noise", "leaf",   "clock", "fruit"};

/// Enough words that the tokens a template adds no longer count.
constexpr std::size_t sample_words = 64;

std::size_t count_tokens(server_link& server, const std::string& model,
                         const std::string& text) {
  // Neither names of models nor these words have anything to escape.
  auto answer = server.ask(
      "/tokenize",
      fmt::format(
          R"({{"model":"{}","messages":[{{"role":"user","content":"{}"}}]}})",
          model, text));
  json_document document{answer, "/tokenize"};
  return static_cast<std::size_t>(std::max<std::int64_t>(
      json_node{document.root(), "/tokenize"}.get("count").integer(), 0));
}

} // namespace

std::size_t words_for(std::size_t tokens, std::size_t of_one, std::size_t count,
                      std::size_t of_count) {
  if (count <= 1 || of_count <= of_one || tokens <= of_one)
    return 1;
  auto of_each =
      static_cast<double>(of_count - of_one) / static_cast<double>(count - 1);
  auto words = 1 + static_cast<double>(tokens - of_one) / of_each;
  return static_cast<std::size_t>(std::max(1.0, std::round(words)));
}

void bench_prompts::fit(server_link& server, const std::string& model,
                        std::size_t tokens) {
  auto of_one = count_tokens(server, model, words(1));
  auto of_many = count_tokens(server, model, words(sample_words));
  count_ = words_for(tokens, of_one, sample_words, of_many);
}

std::string bench_prompts::words(std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0)
      result += ' ';
    result += vocabulary[random_() % vocabulary.size()];
  }
  return result;
}

} // namespace model_server
