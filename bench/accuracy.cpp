// How far the scores of some forms of a model are from those of the first one
// given. Reads prompts, one a line, and answers with a line of JSON for each
// other form, or without one with the tokens of each prompt and its reply;
// accuracy.py makes the forms and the table.
#include "entry_arguments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace model_server;

namespace {

// One form of the model, which reads a prompt and a reply.
class form {
public:
  virtual ~form() = default;
  virtual void begin(const std::vector<token_id>& prompt) = 0;

  // The logarithms of all probabilities of the next token, by its id.
  virtual const std::vector<float>& next() = 0;

  // What the reply goes on with, whatever this form would draw.
  virtual void take(token_id token) = 0;

  // Called when all replies have been read.
  virtual void finish() {
  }
};

class entry_form : public form {
public:
  entry_form(const std::vector<std::string>& arguments, int threads)
      : entry_(load_causal_lm(arguments)),
        logprobs_(entry_->info().vocabulary) {
    entry_->use_threads(threads);
    item_.conversation = &none_;
    item_.sampling.temperature = 0.0;
    item_.sampling.top_logprobs = static_cast<std::uint32_t>(vocabulary());
  }

  std::size_t vocabulary() const {
    return logprobs_.size();
  }

  std::vector<token_id> encode(const std::string& text) const {
    return entry_->encode_text(text);
  }

  void begin(const std::vector<token_id>& prompt) override {
    entry_->release(item_.id);
    ++item_.id;
    item_.prompt_size = prompt.size();
    item_.tokens = prompt;
  }

  const std::vector<float>& next() override {
    auto size = item_.tokens.size();
    sequence* rows[] = {&item_};
    while (item_.tokens.size() == size) {
      entry_->step(rows);
      if (!item_.failure.empty())
        throw std::runtime_error(item_.failure);
    }
    for (auto& [id, logprob] : item_.logprobs.back().best)
      logprobs_[static_cast<std::size_t>(id)] = logprob;
    item_.logprobs.clear();
    return logprobs_;
  }

  // What was drawn has not been read yet: another token may stand there.
  void take(token_id token) override {
    item_.tokens.back() = token;
  }

private:
  std::unique_ptr<model_entry> entry_;
  chat none_;
  sequence item_;
  std::vector<float> logprobs_;
};

// Numbers that another program has found for the same replies.
class file_form : public form {
public:
  file_form(const std::string& path, std::size_t vocabulary)
      : file_(path, std::ios::binary), logprobs_(vocabulary) {
  }

  void begin(const std::vector<token_id>&) override {
  }

  const std::vector<float>& next() override {
    auto bytes = logprobs_.size() * sizeof(float);
    if (!file_.read(reinterpret_cast<char*>(logprobs_.data()),
                    static_cast<std::streamsize>(bytes)))
      throw std::runtime_error("a file of scores is too short");
    return logprobs_;
  }

  void take(token_id) override {
  }

  void finish() override {
    if (file_.peek() != std::ifstream::traits_type::eof())
      throw std::runtime_error("a file of scores is too long");
  }

private:
  std::ifstream file_;
  std::vector<float> logprobs_;
};

double mean(const std::vector<float>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0)
         / static_cast<double>(numbers.size());
}

std::size_t place_of_best(const std::vector<float>& numbers) {
  return static_cast<std::size_t>(std::ranges::max_element(numbers)
                                  - numbers.begin());
}

struct comparison {
  double errors = 0.0, squares = 0.0; // of scores whose mean is 0
  std::vector<double> divergences;    // in nats, of each place
  std::size_t same = 0; // places where the same token is likeliest

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
    same += place_of_best(expected) == place_of_best(found);
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

struct rival {
  std::unique_ptr<form> scores;
  comparison result;
};

// All forms read the reply that the first one makes, which comes back.
std::vector<token_id> compare(entry_form& first, std::vector<rival>& rivals,
                              const std::vector<token_id>& prompt,
                              std::size_t tokens) {
  std::vector<token_id> reply;
  first.begin(prompt);
  for (auto& [scores, result] : rivals)
    scores->begin(prompt);
  for (std::size_t i = 0; i < tokens; ++i) {
    auto& expected = first.next();
    reply.push_back(static_cast<token_id>(place_of_best(expected)));
    for (auto& [scores, result] : rivals) {
      result.add(expected, scores->next());
      scores->take(reply.back());
    }
  }
  return reply;
}

void print(const std::vector<token_id>& prompt,
           const std::vector<token_id>& reply) {
  std::printf("[[%d", prompt.front());
  for (std::size_t i = 1; i < prompt.size(); ++i)
    std::printf(", %d", prompt[i]);
  std::printf("], [%d", reply.front());
  for (std::size_t i = 1; i < reply.size(); ++i)
    std::printf(", %d", reply[i]);
  std::printf("]]\n");
}

void serve(int threads, std::size_t most_prompt, std::size_t tokens,
           const std::vector<std::vector<std::string>>& forms) {
  entry_form first{forms[0], threads};
  std::vector<rival> rivals;
  for (std::size_t i = 1; i < forms.size(); ++i)
    if (forms[i][0].starts_with("scores="))
      rivals.push_back({std::make_unique<file_form>(forms[i][0].substr(7),
                                                    first.vocabulary()),
                        {}});
    else
      rivals.push_back({std::make_unique<entry_form>(forms[i], threads), {}});
  std::string line;
  while (std::getline(std::cin, line)) {
    auto prompt = first.encode(line);
    prompt.resize(std::min(prompt.size(), most_prompt));
    auto reply = compare(first, rivals, prompt, tokens);
    if (rivals.empty())
      print(prompt, reply);
  }
  for (auto& [scores, result] : rivals) {
    scores->finish();
    result.print();
  }
}

std::vector<std::vector<std::string>> split(char** begin, char** end) {
  std::vector<std::vector<std::string>> result(1);
  for (; begin != end; ++begin)
    if (std::string_view{*begin} == "--")
      result.emplace_back();
    else
      result.back().emplace_back(*begin);
  return result;
}

} // namespace

int main(int argc, char** argv) {
  auto forms = split(argv + std::min(argc, 4), argv + argc);
  auto is_empty = [](auto& words) { return words.empty(); };
  if (std::ranges::any_of(forms, is_empty)) {
    std::fprintf(stderr,
                 "usage: %s THREADS MOST_PROMPT TOKENS FORM [-- FORM...]\n"
                 "FORM is path=FOLDER [NAME=VALUE...] or scores=FILE\n",
                 argv[0]);
    return 2;
  }
  try {
    serve(std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10),
          std::strtoul(argv[3], nullptr, 10), forms);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
