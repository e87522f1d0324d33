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

/// How far a file's weights in fp32 may be from the stored numbers.
constexpr double exact_distance = 1e-4;

/// How far, in the mean, our form may be from llama.cpp's of files of which
/// there are no other numbers; both round to halves, or also inputs to 8 bits.
constexpr double half_distance = 5e-3;
constexpr double byte_distance = 5e-2;

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

/// A file as it is served, and what its weights are worth in fp32.
struct two_forms {
  explicit two_forms(const fs::path& path)
      : own{path, {}, number_format::f16},
        exact{path, {number_format::f32, {}}, number_format::f32} {
  }

  /// How far the one is from the other, along the replies of the exact one:
  /// what rival_errors.py asks llama.cpp.
  double error(const rival_errors& asked) {
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

  loaded_model own, exact;
};

void check_error(two_forms& forms, const fs::path& path,
                 const rival_errors& asked, subject& line) {
  auto rival = asked.errors.find(path.filename().string());
  if (rival == asked.errors.end()) {
    line.check(false, "rival_errors.json does not have it");
    return;
  }
  auto ours = forms.error(asked);
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
    two_forms forms{path};
    auto runs = runs_of(exact["runs"]), rival_runs = runs_of(rival);
    differences from_exact, ours, theirs;
    line.check(runs.size() == rival_runs.size(), "other runs of llama.cpp");
    for (std::size_t i = 0; i < std::min(runs.size(), rival_runs.size()); ++i) {
      line.check(forms.own.agrees_on_prompt(runs[i]),
                 "tokens of: " + runs[i].prompt);
      forms.exact.compare(runs[i], from_exact);
      forms.own.compare(runs[i], rival_runs[i], ours, theirs);
    }
    line.check(from_exact.count > 0 && from_exact.most < exact_distance,
               fmt::format("{:.2g} off in fp32", from_exact.most));
    all_ours.add(ours), all_theirs.add(theirs);
    line.reference = fmt::format("{:.4f} off the stored numbers, llama.cpp "
                                 "{:.4f}; ",
                                 ours.mean(), theirs.mean());
    check_error(forms, path, asked, line);
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
    two_forms forms{path};
    differences found;
    for (auto& run : runs_of(stored)) {
      line.check(forms.own.agrees_on_prompt(run), "tokens of: " + run.prompt);
      forms.own.compare(run, found);
    }
    auto is_half = path.filename().string().find(".f16.") != std::string::npos;
    line.reference =
        fmt::format("{:.4f} off llama.cpp's stored numbers; ", found.mean());
    line.check(found.count > 0
                   && found.mean() < (is_half ? half_distance : byte_distance),
               line.reference);
    check_error(forms, path, asked, line);
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
          "The same models as llama.cpp's files, of every type that is read. "
          "Compared are the prompt's tokens; with the weights in fp32 the "
          "logarithms of the chances of the ten likeliest tokens, for eight "
          "steps of three replies, with stored numbers that were computed so, "
          "within {}; and as they are served, in their own form where the "
          "kernels know it and as bf16 where they do not, with an fp16 cache, "
          "all scores of many replies with those of the weights in fp32, where "
          "the relative error must be below llama.cpp's. Of the three files of "
          "other architectures there are llama.cpp's numbers alone.",
          exact_distance),
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
