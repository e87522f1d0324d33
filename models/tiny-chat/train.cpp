// tiny_chat_train: trains tiny-chat from its corpus and writes its folder.
#include "models/tiny-chat/conversations.hpp"
#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/measure.hpp"
#include "models/tiny-chat/model_folder.hpp"
#include "models/tiny-chat/network.hpp"
#include "models/tiny-chat/text_pieces.hpp"

#include <CLI/CLI.hpp>
#include <malloc.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>
#include <stdexcept>

using namespace model_server::tiny_chat;

namespace {

struct options {
  std::filesystem::path folder = "models/tiny-chat";
  std::filesystem::path out = "models/tiny-chat";
  std::int64_t steps = 6000;
  std::size_t batch_tokens = 4096;
  double rate = 2e-3;
  std::size_t batches = 2;
  network_options network;
  bool tune = false;
  bool show_misses = false;
  network_shape shape;
};

options read_options(int argc, char** argv) {
  options result;
  CLI::App app{"Trains tiny-chat and writes it as a Hugging Face folder."};
  app.add_option("--folder", result.folder,
                 "Folder that holds corpus/ and phrases/");
  app.add_option("--out", result.out, "Folder to write the model to");
  app.add_option("--steps", result.steps, "Steps of the training");
  app.add_option("--batch-tokens", result.batch_tokens, "Tokens in a step");
  app.add_option("--rate", result.rate, "Highest learning rate");
  app.add_option("--dropout", result.network.dropout,
                 "Share of numbers left out");
  app.add_option("--seed", result.network.seed, "Seed of all random choices");
  app.add_option("--batches", result.batches,
                 "Batches that a step is divided into, a thread for each");
  app.add_flag("!--float-products", result.network.has_short_products,
               "Multiply in fp32: for processors without AVX-512");
  app.add_option("--layers", result.shape.layers, "Layers of the network");
  app.add_option("--hidden", result.shape.hidden, "Width of the network");
  app.add_option("--intermediate", result.shape.intermediate, "Inner width");
  app.add_flag("--tune", result.tune,
               "Measure with a training wording of each item, left out, "
               "instead of the held-out ones: for choosing the settings");
  app.add_flag("--show-misses", result.show_misses,
               "Print the questions that are answered wrongly");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return result;
}

/// Replaces the held-out wordings by one or, of many, each seventh wording.
void hold_out_for_tuning(std::vector<corpus_item>& items) {
  for (auto& item : items) {
    auto stride = item.wordings.size() > 20 ? 7 : item.wordings.size();
    std::vector<std::string> kept, out;
    for (std::size_t i = 0; i < item.wordings.size(); ++i)
      (i % stride == stride / 2 ? out : kept).push_back(item.wordings[i]);
    item.wordings = kept;
    item.held_out = out;
  }
}

bpe learn_tokenizer(const std::vector<corpus_item>& items,
                    const std::filesystem::path& phrases, std::size_t size) {
  std::map<std::string, std::int64_t> texts;
  // Questions count more than answers, and more often in lower case.
  for (const auto& item : items) {
    texts[item.answer] += 3;
    for (const auto& wording : item.wordings) {
      texts[wording] += 1;
      texts[lowered(wording)] += 2;
      texts[" " + lowered(wording)] += 1;
    }
  }
  for (const auto& list : {wording_changer{phrases}.phrases(),
                           beyond_maker{phrases / "beyond.txt"}.phrases(),
                           read_lines(phrases / "system.txt")})
    for (const auto& phrase : list) {
      texts[phrase] += 1;
      texts[" " + phrase] += 1;
    }
  for (const auto* role : {"system\n", "user\n", "assistant\n"})
    texts[role] += 1000;
  return bpe::learn(texts, size);
}

/// Rises over the first steps, then falls along a cosine to nothing.
double rate_at(std::int64_t step, const options& settings) {
  constexpr std::int64_t warm_up = 200;
  auto rising = std::min(1.0, static_cast<double>(step + 1) / warm_up);
  auto share = static_cast<double>(step) / static_cast<double>(settings.steps);
  return settings.rate * rising * 0.5
         * (1 + std::cos(share * std::numbers::pi));
}

/// The held-out questions, known ones and those beyond apart.
struct held_out_questions {
  std::vector<question> known, beyond;
};

double share_right(const network& net, const bpe& tokenizer,
                   const std::vector<question>& questions,
                   const earlier_turns& before = {}) {
  auto right = answers_rightly(net, tokenizer, questions, before);
  return static_cast<double>(std::count(right.begin(), right.end(), true))
         / static_cast<double>(std::max<std::size_t>(right.size(), 1));
}

void show_misses(const network& net, const bpe& tokenizer,
                 const std::vector<question>& questions) {
  auto right = answers_rightly(net, tokenizer, questions);
  std::vector<question> wrong;
  for (std::size_t i = 0; i < questions.size(); ++i)
    if (!right[i])
      wrong.push_back(questions[i]);
  auto answers = greedy_answers(net, tokenizer, wrong);
  for (std::size_t i = 0; i < wrong.size(); ++i)
    std::printf("MISS %s\n  want %s\n  got  %s\n", wrong[i].wording.c_str(),
                wrong[i].answer.c_str(), answers[i].c_str());
}

/// The file that the curve goes to. A folder that can't be written is found now
/// and not after the training.
std::ofstream open_curve(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  auto file = folder / "loss.csv";
  std::ofstream result{file};
  if (!result)
    throw std::runtime_error{file.string() + ": cannot be written"};
  return result;
}

void train(const options& settings) {
  auto curve = open_curve(settings.out);
  auto items = read_corpus(settings.folder / "corpus");
  auto phrases = settings.folder / "phrases";
  if (settings.tune)
    hold_out_for_tuning(items);
  held_out_questions held_out;
  for (const auto& item : items)
    for (const auto& wording : item.held_out)
      (item.key == beyond_key ? held_out.beyond : held_out.known)
          .push_back({wording, item.answer});
  auto shape = settings.shape;
  auto tokenizer = learn_tokenizer(items, phrases,
                                   static_cast<std::size_t>(shape.vocabulary));
  shape.vocabulary = static_cast<std::int64_t>(tokenizer.size());
  conversation_maker maker{items, tokenizer, phrases, settings.network.seed};
  network net{shape, settings.network};
  std::printf("%zu items, %zu + %zu held out, %lld pieces, %lld parameters\n",
              items.size(), held_out.known.size(), held_out.beyond.size(),
              static_cast<long long>(shape.vocabulary),
              static_cast<long long>(net.parameter_count()));
  curve << "step,seconds,tokens,loss,held_out_known,held_out_beyond\n";
  auto start = std::chrono::steady_clock::now();
  auto every = std::max<std::int64_t>(settings.steps / 10, 1);
  double loss = 0;
  std::size_t tokens = 0;
  for (std::int64_t step = 0; step < settings.steps; ++step) {
    std::vector<batch> batches;
    for (std::size_t i = 0; i < settings.batches; ++i) {
      batches.push_back(maker.next(settings.batch_tokens / settings.batches));
      tokens += batches.back().tokens.size();
    }
    loss += net.learn(batches, rate_at(step, settings));
    if ((step + 1) % every != 0)
      continue;
    auto seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
    if (step + 1 == settings.steps)
      net.round_weights();
    char line[200];
    std::snprintf(line, sizeof line, "%lld,%.0f,%zu,%.4f,%.3f,%.3f",
                  static_cast<long long>(step + 1), seconds.count(), tokens,
                  loss / static_cast<double>(every),
                  share_right(net, tokenizer, held_out.known),
                  share_right(net, tokenizer, held_out.beyond));
    curve << line << std::endl;
    std::cout << line << std::endl;
    loss = 0;
  }
  net.round_weights();
  earlier_turns before{"You are a helpful assistant.", {}};
  for (const auto* key : {"hello", "thanks"})
    for (const auto& item : items)
      if (item.key == key)
        before.turns.push_back({item.wordings.front(), item.answer});
  std::printf("after a system message and two turns: known %.3f, beyond %.3f\n",
              share_right(net, tokenizer, held_out.known, before),
              share_right(net, tokenizer, held_out.beyond, before));
  write_model_folder(settings.out, net, shape, tokenizer);
  if (settings.show_misses) {
    show_misses(net, tokenizer, held_out.known);
    show_misses(net, tokenizer, held_out.beyond);
  }
}

} // namespace

int main(int argc, char** argv) {
  // Large tensors come and go at each step: keep their pages.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 64 << 20);
  try {
    train(read_options(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "tiny_chat_train: " << error.what() << '\n';
    return 2;
  }
}
