// Walks two levels of a models folder.
#include "config/model_folders.hpp"

#include "config/model_name.hpp"

#include <algorithm>
#include <system_error>

namespace model_server {

namespace fs = std::filesystem;

namespace {

// The folders in `folder`, links followed. What cannot be read is passed over:
// a stranger's folder beside the models is no reason not to start.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code problem;
  for (fs::directory_iterator at{folder, problem}, end; at != end;
       at.increment(problem)) {
    std::error_code ignored;
    if (at->is_directory(ignored))
      result.push_back(at->path());
    if (problem)
      break;
  }
  return result;
}

} // namespace

std::vector<model_setting> find_model_folders(const fs::path& folder) {
  std::vector<model_setting> result;
  auto add = [&](const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_regular_file(path / "config.json", ignored))
      return false;
    auto name = path.lexically_relative(folder).generic_string();
    if (is_model_name(name)) {
      entry_params params;
      params.values.emplace_back("path", path.string());
      // As sentence-transformers writes them.
      auto embeds = fs::is_regular_file(path / "modules.json", ignored);
      result.push_back({std::move(name),
                        embeds ? "embedding" : "causal_lm",
                        std::move(params),
                        0,
                        {}});
    }
    return true;
  };
  for (const auto& path : folders_in(folder))
    if (!add(path))
      for (const auto& inner : folders_in(path))
        add(inner);
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

fs::path usual_models_folder(const fs::path& working_directory,
                             const fs::path& program) {
  auto beside = program.parent_path();
  // build/PRESET/model_api in the project, bin/model_api when installed
  for (const auto& folder :
       {working_directory / "models", beside / "../../models",
        beside / "../share/model-server/models"}) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored))
      return folder.lexically_normal();
  }
  return {};
}

} // namespace model_server
