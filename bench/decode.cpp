// How many tokens a second causal_lm makes. Reads lines `BATCH PROMPT TOKENS`,
// answers each with a line of JSON; decode.py puts a rival beside it.
#include "models/model_catalog.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using namespace model_server;

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  std::chrono::duration<double> result =
      std::chrono::steady_clock::now() - begin;
  return result.count();
}

// The prompt of a row: the same numbers as in decode_transformers.py. Other
// ones in each run, or what is kept of prompts would be measured.
std::vector<token_id> prompt(std::size_t run, std::size_t row,
                             std::size_t length) {
  std::vector<token_id> result;
  for (std::size_t i = 0; i < length; ++i)
    result.push_back(static_cast<token_id>(
        100 + (i * 7919 + row * 104729 + run * 31) % 1800));
  return result;
}

// Makes `tokens` tokens greedily for each of `batch` prompts, all at once.
void run(model_entry& entry, std::size_t batch, std::size_t length,
         std::size_t tokens) {
  static sequence_id next_id = 0;
  static std::size_t run_number = 0;
  ++run_number;
  chat none;
  std::vector<sequence> sequences(batch);
  std::vector<sequence*> rows;
  for (std::size_t i = 0; i < batch; ++i) {
    sequences[i].id = next_id++;
    sequences[i].conversation = &none;
    sequences[i].tokens = prompt(run_number, i, length);
    sequences[i].prompt_size = length;
    sequences[i].sampling.temperature = 0.0;
    rows.push_back(&sequences[i]);
  }
  auto begin = std::chrono::steady_clock::now();
  double first = 0.0;
  while (!rows.empty()) {
    entry.step(rows);
    std::erase_if(rows, [&](auto row) { return row->reply_size() >= tokens; });
    auto all_begun = true;
    for (auto& item : sequences)
      all_begun &= item.reply_size() > 0;
    if (all_begun && first == 0.0)
      first = seconds_since(begin);
  }
  auto total = seconds_since(begin);
  std::printf("{\"first\": %.6f, \"total\": %.6f, \"tokens\": [", first, total);
  for (std::size_t i = 0; i < tokens; ++i)
    std::printf("%s%d", i == 0 ? "" : ", ", sequences[0].tokens[length + i]);
  std::printf("]}\n");
  std::fflush(stdout);
  for (auto& item : sequences)
    entry.release(item.id);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s FOLDER DTYPE THREADS\n", argv[0]);
    return 2;
  }
  // Without guesses: a random network soon repeats itself.
  entry_spec spec;
  spec.params.values = {{"path", std::string{argv[1]}},
                        {"dtype", std::string{argv[2]}},
                        {"speculation", std::string{"off"}}};
  auto entry = make_entry("causal_lm", spec);
  entry->use_threads(std::atoi(argv[3]));
  std::size_t batch = 0, length = 0, tokens = 0;
  while (std::cin >> batch >> length >> tokens)
    run(*entry, batch, length, tokens);
}
