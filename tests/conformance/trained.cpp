// Trained models: Hugging Face folders.
#include "tests/conformance/report.hpp"
#include "tests/conformance/trained_model.hpp"

#include "models/weights/json_file.hpp"

#include <fmt/format.h>

namespace model_server::testing {

namespace fs = std::filesystem;

namespace {

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
    loaded_model model{folder, {}, number_format::f32};
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

} // namespace model_server::testing
