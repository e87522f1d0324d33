// Reads config.json and looks through the models folder.
#include "config/model_files.hpp"

#include "config/config_file.hpp"
#include "config/model_folders.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

std::vector<model_setting> find_models(model_files& files,
                                       const surroundings& around) {
  std::vector<model_setting> result;
  std::error_code ignored;
  auto path = around.working_directory
              / (files.config.empty() ? "config.json" : files.config);
  if (!files.config.empty() || fs::exists(path, ignored)) {
    result = read_config_file(path, around.entries);
    files.config = path.string();
  }
  auto folder =
      files.folder.empty()
          ? usual_models_folder(around.working_directory, around.program)
          : given_models_folder(around.working_directory, files.folder);
  files.folder = folder.string();
  if (folder.empty())
    return result;
  // A folder whose name is taken in config.json is passed over.
  for (auto& found : find_model_folders(folder)) {
    auto is_taken = [&](const auto& model) { return model.name == found.name; };
    if (std::none_of(result.begin(), result.end(), is_taken))
      result.push_back(std::move(found));
  }
  return result;
}

} // namespace model_server
