// How far the scores of some forms of a model are from those of the first one
// given. Reads prompts, one a line, and answers with a line of JSON for each
// other form; accuracy.py makes the forms and the table.
#include "entry_arguments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace model_server;

namespace {

// A prompt and its reply in one form of the model.
class reader {
public:
  explicit reader(std::unique_ptr<model_entry> entry)
      : entry_(std::move(entry)) {
    item_.conversation = &none_;
    item_.sampling.temperature = 0.0;
    item_.sampling.top_logprobs =
        static_cast<std::uint32_t>(entry_->info().vocabulary);
  }

  std::vector<token_id> encode(const std::string& text) const {
    return entry_->encode_text(text);
  }

  void begin(std::vector<token_id> prompt) {
    entry_->release(item_.id);
    ++item_.id;
    item_.prompt_size = prompt.size();
    item_.tokens = std::move(prompt);
  }

  // The logarithms of all probabilities of the next token, by its id.
  const std::vector<float>& next() {
    auto size = item_.tokens.size();
    sequence* rows[] = {&item_};
    while (item_.tokens.size() == size) {
      entry_->step(rows);
      if (!item_.failure.empty())
        throw std::runtime_error(item_.failure);
    }
    logprobs_.resize(entry_->info().vocabulary);
    for (auto& [id, logprob] : item_.logprobs.back().best)
      logprobs_[static_cast<std::size_t>(id)] = logprob;
    item_.logprobs.clear();
    return logprobs_;
  }

  token_id drawn() const {
    return item_.tokens.back();
  }

  // What was drawn last has not been read yet: another token may stand there.
  void replace_drawn(token_id token) {
    item_.tokens.back() = token;
  }

private:
  std::unique_ptr<model_entry> entry_;
  chat none_;
  sequence item_;
  std::vector<float> logprobs_;
};

double mean(const std::vector<float>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0)
         / static_cast<double>(numbers.size());
}

struct comparison {
  double errors = 0.0, squares = 0.0; // of scores whose mean is 0
  std::vector<double> divergences;    // in nats, of each place
  std::size_t same = 0;               // places where both draw the same

  void add(const std::vector<float>& expected,
           const std::vector<float>& found) {
    auto middle = mean(expected), other = mean(found);
    double divergence = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double a = expected[i], b = found[i];
      divergence += std::exp(a) * (a - b);
      auto error = (b - other) - (a - middle);
      errors += error * error;
      squares += (a - middle) * (a - middle);
    }
    divergences.push_back(divergence);
  }

  void print() {
    auto places = divergences.size();
    std::ranges::sort(divergences);
    auto sum = std::accumulate(divergences.begin(), divergences.end(), 0.0);
    std::printf("{\"places\": %zu, \"error\": %.6g, \"kl\": %.6g, "
                "\"kl_p99\": %.6g, \"same\": %.6g}\n",
                places, std::sqrt(errors / squares),
                sum / static_cast<double>(places),
                divergences[places * 99 / 100],
                static_cast<double>(same) / static_cast<double>(places));
  }
};

// All forms read the reply that the first one makes.
void compare(std::vector<reader>& forms, std::vector<comparison>& results,
             const std::vector<token_id>& prompt, std::size_t tokens) {
  for (auto& form : forms)
    form.begin(prompt);
  for (std::size_t i = 0; i < tokens; ++i) {
    auto& expected = forms[0].next();
    for (std::size_t k = 1; k < forms.size(); ++k) {
      results[k].add(expected, forms[k].next());
      results[k].same += forms[k].drawn() == forms[0].drawn();
      forms[k].replace_drawn(forms[0].drawn());
    }
  }
}

std::vector<reader> load(int threads, std::vector<std::string> arguments) {
  std::vector<reader> result;
  arguments.push_back("--");
  for (auto begin = arguments.begin(); begin != arguments.end();) {
    auto end = std::find(begin, arguments.end(), "--");
    auto entry = load_causal_lm(std::vector<std::string>{begin, end});
    entry->use_threads(threads);
    result.emplace_back(std::move(entry));
    begin = end + 1;
  }
  return result;
}

void serve(int threads, std::size_t most_prompt, std::size_t tokens,
           const std::vector<std::string>& arguments) {
  auto forms = load(threads, arguments);
  std::vector<comparison> results(forms.size());
  std::string line;
  while (std::getline(std::cin, line)) {
    auto prompt = forms[0].encode(line);
    prompt.resize(std::min(prompt.size(), most_prompt));
    compare(forms, results, prompt, tokens);
  }
  for (std::size_t i = 1; i < results.size(); ++i)
    results[i].print();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(
        stderr,
        "usage: %s THREADS MOST_PROMPT TOKENS path=FOLDER [NAME=VALUE...] "
        "-- path=FOLDER [NAME=VALUE...] [-- ...]\n",
        argv[0]);
    return 2;
  }
  try {
    serve(std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10),
          std::strtoul(argv[3], nullptr, 10), {argv + 4, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
