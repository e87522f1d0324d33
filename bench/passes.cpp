// How fast causal_lm reads prompts and makes tokens. Says how it has started,
// then reads lines `STREAMS CONTEXT TOKENS` and answers each with a line of
// JSON; cpu.py puts a rival beside it.
#include "entry_arguments.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace model_server;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begin) {
  std::chrono::duration<double> result = clock_type::now() - begin;
  return result.count();
}

// MB that were ever resident.
double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 / 1e6;
}

// Other prompts in each run, or what is kept of prompts would be measured.
std::vector<token_id> prompt(std::size_t run, std::size_t row,
                             std::size_t length, std::size_t vocabulary) {
  std::vector<token_id> result;
  for (std::size_t i = 0; i < length; ++i)
    result.push_back(static_cast<token_id>(
        3 + (i * 7919 + row * 104729 + run * 31) % (vocabulary - 3)));
  return result;
}

struct times {
  double first = 0.0;   // until all streams have begun
  double steps = 0.0;   // of the steps after that, in all of which all run
  std::size_t made = 0; // tokens of those
};

// Reads a prompt of `context` tokens for each stream, then makes at least
// `tokens` more for each.
times measure(model_entry& entry, std::size_t streams, std::size_t context,
              std::size_t tokens) {
  static sequence_id next_id = 0;
  static std::size_t runs = 0;
  ++runs;
  auto vocabulary = entry.info().vocabulary;
  chat none;
  std::vector<sequence> sequences(streams);
  std::vector<sequence*> rows;
  for (std::size_t i = 0; i < streams; ++i) {
    sequences[i].id = next_id++;
    sequences[i].conversation = &none;
    sequences[i].tokens = prompt(runs, i, context, vocabulary);
    sequences[i].prompt_size = context;
    sequences[i].sampling.temperature = 0.0;
    rows.push_back(&sequences[i]);
  }
  // Throws if a stream has failed.
  auto made = [&] {
    std::size_t sum = 0;
    for (auto& item : sequences) {
      if (!item.failure.empty())
        throw std::runtime_error(item.failure);
      sum += item.reply_size();
    }
    return sum;
  };
  times result;
  // Who has begun stands still until all have, so that nothing but prompts is
  // read.
  auto waiting = rows;
  auto begin = clock_type::now();
  while (!waiting.empty()) {
    entry.step(waiting);
    made();
    std::erase_if(waiting, [](auto row) { return row->reply_size() > 0; });
  }
  result.first = seconds_since(begin);
  auto before = made();
  begin = clock_type::now();
  while (made() - before < streams * tokens)
    entry.step(rows);
  result.steps = seconds_since(begin);
  result.made = made() - before;
  for (auto& item : sequences)
    entry.release(item.id);
  return result;
}

void serve(int threads, const std::vector<std::string>& arguments,
           clock_type::time_point start) {
  auto entry = load_causal_lm(arguments);
  entry->use_threads(threads);
  auto loaded = seconds_since(start);
  measure(*entry, 1, 16, 0);
  std::printf("{\"loaded\": %.6f, \"first\": %.6f, \"peak_mb\": %.1f}\n",
              loaded, seconds_since(start), peak_memory());
  std::fflush(stdout);
  std::size_t streams = 0, context = 0, tokens = 0;
  while (std::cin >> streams >> context >> tokens) {
    auto taken = measure(*entry, streams, context, tokens);
    std::printf("{\"first\": %.6f, \"steps\": %.6f, \"made\": %zu, "
                "\"peak_mb\": %.1f}\n",
                taken.first, taken.steps, taken.made, peak_memory());
    std::fflush(stdout);
  }
}

} // namespace

int main(int argc, char** argv) {
  auto start = clock_type::now();
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s THREADS path=FOLDER [NAME=VALUE...]\n",
                 argv[0]);
    return 2;
  }
  try {
    serve(std::atoi(argv[1]), {argv + 2, argv + argc}, start);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
