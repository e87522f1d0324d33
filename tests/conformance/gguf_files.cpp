// Trained models as GGUF files: beside the numbers in fp32, and llama.cpp's.
#include "tests/conformance/report.hpp"
#include "tests/conformance/trained_model.hpp"

#include "models/weights/json_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>
#include <set>

namespace model_server::testing {

namespace fs = std::filesystem;

namespace {

/// How far the stored numbers may be, in the mean: rounding inputs to 8 bits
/// comes to 0.03 or so in models as small as these.
constexpr double most_distance = 0.05;

/// Of what rival_errors.py found.
struct rival_errors {
  std::vector<std::string> prompts;
  std::size_t tokens;
  std::map<std::string, double> errors;
};

rival_errors read_rival_errors() {
  auto document = read_json_file("tests/conformance/rival_errors.json");
  rival_errors result;
  for (auto& prompt : document["prompts"].GetArray())
    result.prompts.push_back(prompt.GetString());
  result.tokens = document["tokens"].GetUint();
  for (auto& [name, error] : document["errors"].GetObject())
    result.errors[name.GetString()] = error.GetDouble();
  return result;
}

/// The root of the summed squares of differences by that of the expected
/// scores, means taken out.
class relative_error {
public:
  void add(const std::vector<float>& expected,
           const std::vector<float>& found) {
    auto middle = mean(expected), other = mean(found);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      auto right = expected[i] - middle;
      errors_ += std::pow(found[i] - other - right, 2);
      squares_ += right * right;
    }
  }
  double value() const {
    return std::sqrt(errors_ / squares_);
  }

private:
  static double mean(const std::vector<float>& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), 0.0)
           / static_cast<double>(numbers.size());
  }

  double errors_ = 0.0, squares_ = 0.0;
};

/// How far a file's own form is from its weights in fp32, along the replies of
/// those: what rival_errors.py asks llama.cpp.
double error_of(const fs::path& path, const rival_errors& asked) {
  loaded_model exact{path, {number_format::f32, {}}, number_format::f32};
  loaded_model own{path, {}, number_format::f16};
  relative_error result;
  for (auto& prompt : asked.prompts) {
    reading right{exact.net(), loaded_model::most_tokens};
    reading read{own.net(), loaded_model::most_tokens};
    auto tokens = exact.encode(prompt);
    for (std::size_t i = 0; i < asked.tokens; ++i) {
      auto expected = right.read(tokens);
      result.add(expected, read.read(tokens));
      tokens = {best_of(expected)};
    }
  }
  return result.value();
}

void check_error(const fs::path& path, const rival_errors& asked,
                 subject& line) {
  auto rival = asked.errors.find(path.filename().string());
  if (rival == asked.errors.end()) {
    line.check(false, "rival_errors.json does not have it");
    return;
  }
  auto ours = error_of(path, asked);
  auto words =
      fmt::format("{:.3f} % off in {} places, llama.cpp {:.3f} %", 100 * ours,
                  asked.prompts.size() * asked.tokens, 100 * rival->second);
  line.check(ours < rival->second, words);
  line.reference += words;
}

std::string title_of(const fs::path& path, const rapidjson::Value& types) {
  std::set<std::string> names;
  for (auto& [name, count] : types.GetObject())
    names.insert(name.GetString());
  return fmt::format("{} ({})", path.filename().string(),
                     fmt::join(names, ", "));
}

/// With the stored numbers of its weights in fp32 and of llama.cpp.
subject check_file(const fs::path& path, const rapidjson::Value& exact,
                   const rapidjson::Value& rival, const rival_errors& asked,
                   differences& all_ours, differences& all_theirs) {
  subject line{title_of(path, exact["tensor_types"]), "", 0, 0, {}};
  try {
    loaded_model model{path, {}, number_format::f16};
    auto runs = runs_of(exact["runs"]), rival_runs = runs_of(rival);
    differences ours, theirs;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      line.check(model.agrees_on_prompt(runs[i]),
                 "tokens of: " + runs[i].prompt);
      model.compare(runs[i], rival_runs[i], ours, theirs);
    }
    all_ours.add(ours), all_theirs.add(theirs);
    line.reference = fmt::format("{:.4f} off the stored numbers, llama.cpp "
                                 "{:.4f}; ",
                                 ours.mean(), theirs.mean());
    line.check(ours.count > 0 && ours.mean() < most_distance, line.reference);
    check_error(path, asked, line);
  } catch (const std::exception& problem) {
    line.check(false, problem.what());
  }
  return line;
}

/// The model as a file of another architecture: llama.cpp's numbers alone are
/// stored.
subject check_architecture(const fs::path& path, const rapidjson::Value& stored,
                           const rival_errors& asked) {
  subject line{path.filename().string(), "", 0, 0, {}};
  try {
    loaded_model model{path, {}, number_format::f16};
    differences found;
    for (auto& run : runs_of(stored)) {
      line.check(model.agrees_on_prompt(run), "tokens of: " + run.prompt);
      model.compare(run, found);
    }
    line.reference =
        fmt::format("{:.4f} off llama.cpp's stored numbers; ", found.mean());
    line.check(found.count > 0 && found.mean() < most_distance, line.reference);
    check_error(path, asked, line);
  } catch (const std::exception& problem) {
    line.check(false, problem.what());
  }
  return line;
}

} // namespace

section check_gguf_files(const std::string& data) {
  section result{
      "GGUF files",
      fmt::format(
          "The same models as llama.cpp's files, of every type that is read, "
          "run "
          "in their own form where the kernels know it and as bf16 where they "
          "do "
          "not, with an fp16 cache. Compared are the prompt's tokens; the "
          "logarithms of the chances of the ten likeliest tokens, for eight "
          "steps "
          "of three replies, with stored numbers of the file computed in fp32, "
          "which may be {} off in the mean; and all scores of many replies "
          "with "
          "those of the same weights in fp32, where the relative error must be "
          "below llama.cpp's.",
          most_distance),
      {}};
  auto asked = read_rival_errors();
  differences ours, theirs;
  for (auto& model : {"stories260K", "tinystories-656k"}) {
    auto folder = fs::path{data} / "models" / model;
    auto document = read_json_file(folder / "gguf.expected.json");
    auto& rival = document["llama_cpp"]["runs"];
    for (auto& [name, item] : document["dequantised_fp32"].GetObject())
      result.subjects.push_back(check_file(folder / "gguf" / name.GetString(),
                                           item, rival[name.GetString()], asked,
                                           ours, theirs));
    auto others = folder / "gguf-arch.expected.json";
    if (!fs::exists(others))
      continue;
    auto stored = read_json_file(others);
    for (auto& [name, runs] : stored["runs"].GetObject())
      result.subjects.push_back(
          check_architecture(folder / "gguf" / name.GetString(), runs, asked));
  }
  subject line{"all of them",
               fmt::format("{:.4f} off the stored numbers, llama.cpp {:.4f}",
                           ours.mean(), theirs.mean()),
               0,
               0,
               {}};
  line.check(ours.mean() < theirs.mean(), "llama.cpp is nearer");
  result.subjects.push_back(line);
  return result;
}

} // namespace model_server::testing
