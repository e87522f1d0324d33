// Tiny networks of every family, and real config.json files.
#include "tests/conformance/report.hpp"
#include "tests/conformance/scores.hpp"
#include "tests/models/net_reference.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/families/families.hpp"
#include "models/nets/gguf_decoder.hpp"

#include <fmt/format.h>

#include <map>

namespace model_server::testing {

namespace {

// `name` is that of the reference.
void check_network(const std::string& name, const std::filesystem::path& folder,
                   subject& line) {
  try {
    net_reference reference{name};
    auto net = load_decoder_cpu(read_decoder_spec(folder),
                                std::make_shared<weight_folder>(folder), {},
                                best_kernels(), nullptr, number_format::f32);
    auto most = reference.prompt.size() + reference.greedy.size();
    net->make_blocks(reading::blocks_for(most));
    reading text{*net, most};
    auto scores = text.read(reference.prompt);
    auto is_near = true;
    for (std::size_t i = 0; i < reference.scores.size(); ++i) {
      is_near &= distance(scores, reference.scores[i]) < 1e-4;
      scores = text.read({&reference.greedy[i], 1});
    }
    line.check(
        is_near
            && greedy_reply(*net, reference.prompt, reference.greedy.size())
                   == reference.greedy,
        name);
  } catch (const std::exception& problem) {
    line.check(false, name + ": " + problem.what());
  }
}

} // namespace

section check_families() {
  std::map<std::string, subject> lines;
  for (auto& item : families())
    lines[std::string{item.type}].name = fmt::format(
        "`{}` ({})", std::string{item.type}, std::string{item.architecture});
  for (auto& name : family_names()) {
    auto document = read_json_file(reference_path(name));
    auto& line = lines[document["config"]["model_type"].GetString()];
    line.reference = "transformers 5.12, fp32";
    check_network(name, network_folder(name), line);
  }
  lines["gemma3"].reference = "that of `gemma3_text`, its text part";
  for (auto& names : all_other_names()) {
    temporary_folder folder;
    write_renamed_folder(names, folder);
    auto config = read_json_file(folder.path() / "config.json");
    auto type = config.HasMember("text_config")
                    ? "gemma3"
                    : config["model_type"].GetString();
    check_network(names.network, folder.path(), lines[type]);
  }
  section result{"Families",
                 "Tiny networks with random weights, each kind of layer that a "
                 "family has, and each way in which its folders name their "
                 "tensors: scores within 1e-4 of the largest one, and the "
                 "same greedy reply. Those that were published with code of "
                 "their own (`chatglm`, `internlm2`, `minicpm`, `qwen`) are "
                 "compared with the family in transformers that computes the "
                 "same.",
                 {}};
  for (auto& [type, line] : lines)
    result.subjects.push_back(line);
  return result;
}

section check_converted_families(const std::string& folder) {
  section result{"Converted families", "", {}};
  for (auto& name : family_names()) {
    auto path = folder + "/" + name.substr(7) + ".gguf";
    if (!std::filesystem::exists(path))
      continue;
    subject line{name, "", 0, 0, {}};
    try {
      net_reference reference{name};
      auto files = std::make_shared<weight_folder>(path);
      auto net = load_decoder_cpu(read_decoder_spec(*files), files, {},
                                  best_kernels(), nullptr, number_format::f32);
      net->make_blocks(reading::blocks_for(reference.prompt.size()));
      auto scores =
          reading{*net, reference.prompt.size()}.read(reference.prompt);
      auto off = distance(scores, reference.scores[0]);
      line.check(off < 1e-4, fmt::format("{:.2g} off", off));
    } catch (const std::exception& problem) {
      line.check(false, problem.what());
    }
    result.subjects.push_back(line);
  }
  return result;
}

section check_configs(const std::string& data) {
  section result{"Published configurations",
                 "Real config.json files. A network is described by them, or "
                 "refused in one sentence that names what is not built in.",
                 {}};
  subject read{"read", "a network comes of it", 0, 0, {}};
  subject refused{"refused", "the sentence names the architecture", 0, 0, {}};
  for (auto& item : std::filesystem::directory_iterator{data + "/configs"}) {
    if (!std::filesystem::exists(item.path() / "config.json"))
      continue;
    auto name = item.path().filename().string();
    auto problem = error_of([&] { read_decoder_spec(item.path()); });
    if (problem.empty())
      read.check(true, name);
    else
      refused.check(problem.find("architecture") != std::string::npos,
                    name + ": " + problem);
  }
  result.subjects = {read, refused};
  return result;
}

} // namespace model_server::testing
