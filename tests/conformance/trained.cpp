// Trained models: Hugging Face folders and GGUF files.
#include "tests/conformance/report.hpp"
#include "tests/conformance/scores.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/gguf_decoder.hpp"
#include "models/weights/chat_codec.hpp"
#include "models/weights/json_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>

namespace model_server::testing {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t compared_steps = 8;

/// What a reference says of one prompt.
struct stored_run {
  std::string prompt;
  std::vector<token_id> prompt_ids, greedy_ids;
  /// Logarithms of the chances of the ten likeliest tokens, for each step.
  std::vector<std::map<token_id, double>> steps;
  /// Below it greedy tokens may rightly differ.
  double smallest_gap = 0.0;
};

std::vector<token_id> ids_of(const rapidjson::Value& list) {
  std::vector<token_id> result;
  for (auto& id : list.GetArray())
    result.push_back(id.GetInt());
  return result;
}

std::vector<stored_run> runs_of(const rapidjson::Value& list) {
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
  double mean() const {
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
  }
};

/// A model that is read token by token.
class loaded_model {
public:
  explicit loaded_model(const fs::path& path, number_format cache)
      : codec_(path) {
    auto files = std::make_shared<weight_folder>(path);
    auto spec = read_decoder_spec(*files);
    net_ = load_decoder_cpu(std::move(spec), files, {}, best_kernels(), nullptr,
                            cache);
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
    for (std::size_t i = 0; i < compared_steps; ++i) {
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

private:
  static constexpr std::size_t most_tokens = 256;
  chat_codec codec_;
  std::unique_ptr<causal_net> net_;
};

subject check_folder(const fs::path& folder, const fs::path& expected) {
  subject line{fmt::format("{}/{}", folder.parent_path().filename().string(),
                           folder.filename().string()),
               "transformers 5.12, fp32: prompt and reply token by token, "
               "logarithms of chances within 1e-3",
               0,
               0,
               {}};
  auto document = read_json_file(expected);
  try {
    loaded_model model{folder, number_format::f32};
    for (auto& run : runs_of(document["runs"])) {
      differences found;
      model.compare(run, found);
      line.check(model.agrees_on_prompt(run), "tokens of: " + run.prompt);
      line.check(found.most < 1e-3,
                 fmt::format("{}: {:.5f} off", run.prompt, found.most));
      line.check(model.agrees_on_reply(run), "reply to: " + run.prompt);
    }
  } catch (const std::exception& problem) {
    line.check(false, problem.what());
  }
  return line;
}

subject check_file(const fs::path& path, const rapidjson::Value& types,
                   const std::vector<stored_run>& exact,
                   const std::vector<stored_run>& rival,
                   differences& all_ours, differences& all_theirs) {
  std::set<std::string> names;
  for (auto& [name, count] : types.GetObject())
    names.insert(name.GetString());
  subject line{fmt::format("{} ({})", path.filename().string(),
                           fmt::join(names, ", ")),
               "", 0, 0, {}};
  differences ours, theirs;
  try {
    loaded_model model{path, number_format::f16};
    for (std::size_t i = 0; i < exact.size(); ++i) {
      line.check(model.agrees_on_prompt(exact[i]),
                 "tokens of: " + exact[i].prompt);
      model.compare(exact[i], rival[i], ours, theirs);
    }
  } catch (const std::exception& problem) {
    line.check(false, problem.what());
  }
  all_ours.sum += ours.sum, all_ours.count += ours.count;
  all_theirs.sum += theirs.sum, all_theirs.count += theirs.count;
  // Both round what goes into products to 8 bits, and by chance either is a
  // little nearer; where nothing is rounded, as near as an f16 cache lets it be.
  line.check(ours.count > 0
                 && ours.mean() < std::max(1.1 * theirs.mean(), 2e-3),
             fmt::format("{:.5f} off, llama.cpp {:.5f}", ours.mean(),
                         theirs.mean()));
  line.reference = fmt::format(
      "{:.4f} off the dequantised numbers in fp32, llama.cpp {:.4f}",
      ours.mean(), theirs.mean());
  return line;
}

} // namespace

section check_trained_folders(const std::string& data) {
  section result{"Trained models",
                 "Hugging Face folders of two small trained models, in several "
                 "number formats and under several architectures.",
                 {}};
  std::vector<fs::path> folders;
  for (auto& model : fs::directory_iterator{data + "/models"})
    if (model.is_directory())
      for (auto& item : fs::directory_iterator{model.path()})
        if (fs::exists(item.path() / "config.json"))
          folders.push_back(item.path());
  std::ranges::sort(folders);
  for (auto& folder : folders)
    result.subjects.push_back(
        check_folder(folder, folder.string() + ".expected.json"));
  return result;
}

section check_gguf_files(const std::string& data) {
  section result{
      "GGUF files",
      "The same models as llama.cpp's files, of every type that is read, run in "
      "their own form where the kernels know it and as bf16 where they do not, "
      "with an fp16 cache. Compared are the prompt's tokens and the logarithms "
      "of the chances of the ten likeliest tokens, for eight steps of three "
      "replies. Their mean distance from the numbers of the file computed in "
      "fp32 must be below llama.cpp's for all files together, and for each "
      "below 1.1 times that (or below 0.002, where neither rounds anything but "
      "the cache).",
      {}};
  differences ours, theirs;
  for (auto& model : {"stories260K", "tinystories-656k"}) {
    auto folder = fs::path{data} / "models" / model;
    auto document = read_json_file(folder / "gguf.expected.json");
    auto& exact = document["dequantised_fp32"];
    auto& rival = document["llama_cpp"]["runs"];
    for (auto& [name, item] : exact.GetObject())
      result.subjects.push_back(check_file(
          folder / "gguf" / name.GetString(), item["tensor_types"],
          runs_of(item["runs"]), runs_of(rival[name.GetString()]), ours,
          theirs));
  }
  subject line{"all of them",
               fmt::format("{:.4f} off, llama.cpp {:.4f}", ours.mean(),
                           theirs.mean()),
               0,
               0,
               {}};
  line.check(ours.mean() < theirs.mean(), "llama.cpp is nearer");
  result.subjects.push_back(line);
  return result;
}

} // namespace model_server::testing
