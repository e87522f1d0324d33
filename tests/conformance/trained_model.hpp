// A trained model beside what references say of it.
#pragma once

#include "tests/conformance/scores.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/gguf_decoder.hpp"
#include "models/weights/chat_codec.hpp"

#include <rapidjson/document.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace model_server::testing {

/// What a reference says of one prompt.
struct stored_run {
  std::string prompt;
  std::vector<token_id> prompt_ids, greedy_ids;
  /// Logarithms of the chances of the ten likeliest tokens, for each step.
  std::vector<std::map<token_id, double>> steps;
  /// Below it greedy tokens may rightly differ.
  double smallest_gap = 0.0;
};

inline std::vector<token_id> ids_of(const rapidjson::Value& list) {
  std::vector<token_id> result;
  for (auto& id : list.GetArray())
    result.push_back(id.GetInt());
  return result;
}

inline std::vector<stored_run> runs_of(const rapidjson::Value& list) {
  std::vector<stored_run> result;
  for (auto& item : list.GetArray()) {
    auto& run = result.emplace_back();
    run.prompt = item["prompt"].GetString();
    run.prompt_ids = ids_of(item["prompt_ids"]);
    run.greedy_ids = ids_of(item["greedy_ids"]);
    if (item.HasMember("smallest_top2_logit_gap"))
      run.smallest_gap = item["smallest_top2_logit_gap"].GetDouble();
    for (auto& step : item["top10_logprobs_first_8_steps"].GetArray()) {
      auto& chances = run.steps.emplace_back();
      for (auto& pair : step.GetArray())
        chances[pair[0].GetInt()] = pair[1].GetDouble();
    }
  }
  return result;
}

/// How far logarithms of chances are from the reference.
struct differences {
  double sum = 0.0;
  double most = 0.0;
  std::size_t count = 0;

  void add(double difference) {
    sum += std::abs(difference);
    most = std::max(most, std::abs(difference));
    ++count;
  }
  void add(const differences& other) {
    sum += other.sum;
    most = std::max(most, other.most);
    count += other.count;
  }
  double mean() const {
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
  }
};

/// A model that is read token by token.
class loaded_model {
public:
  /// `form` says how its matrices are kept.
  loaded_model(const std::filesystem::path& path, const weight_form& form,
               number_format cache)
      : codec_(path) {
    auto files = std::make_shared<weight_folder>(path);
    auto spec = read_decoder_spec(*files);
    net_ = load_decoder_cpu(std::move(spec), files, form, best_kernels(),
                            nullptr, cache);
    net_->make_blocks(reading::blocks_for(most_tokens));
  }

  bool agrees_on_prompt(const stored_run& run) const {
    return codec_.encode_text(run.prompt) == run.prompt_ids;
  }

  /// Along the reference's own reply, for the tokens that a rival's run has a
  /// value for, too; `theirs` gets how far that one is.
  void compare(const stored_run& run, const stored_run& rival,
               differences& ours, differences& theirs) {
    reading text{*net_, most_tokens};
    auto scores = text.read(run.prompt_ids);
    auto steps = std::min(run.steps.size(), rival.steps.size());
    for (std::size_t i = 0; i < steps; ++i) {
      auto chances = log_chances(scores);
      for (auto [token, value] : run.steps[i])
        if (auto found = rival.steps[i].find(token);
            found != rival.steps[i].end()) {
          ours.add(chances[static_cast<std::size_t>(token)] - value);
          theirs.add(found->second - value);
        }
      // From here on it goes another way.
      if (rival.greedy_ids[i] != run.greedy_ids[i])
        return;
      scores = text.read({&run.greedy_ids[i], 1});
    }
  }

  /// Along the reference's own reply.
  void compare(const stored_run& run, differences& to) {
    reading text{*net_, most_tokens};
    auto scores = text.read(run.prompt_ids);
    for (std::size_t i = 0; i < run.steps.size(); ++i) {
      auto chances = log_chances(scores);
      for (auto [token, value] : run.steps[i])
        to.add(chances[static_cast<std::size_t>(token)] - value);
      scores = text.read({&run.greedy_ids[i], 1});
    }
  }

  bool agrees_on_reply(const stored_run& run) {
    return greedy_reply(*net_, run.prompt_ids, run.greedy_ids.size())
           == run.greedy_ids;
  }

  std::vector<token_id> encode(const std::string& text) const {
    return codec_.encode_text(text);
  }
  causal_net& net() {
    return *net_;
  }

  static constexpr std::size_t most_tokens = 256;

private:
  chat_codec codec_;
  std::unique_ptr<causal_net> net_;
};

} // namespace model_server::testing
