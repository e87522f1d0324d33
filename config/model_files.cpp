// Reads config.json and looks through the models folder.
#include "config/model_files.hpp"

#include "config/config_file.hpp"
#include "config/installation.hpp"
#include "config/model_folders.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

namespace {

// Here, else where an installed program has it; empty if it is nowhere.
fs::path usual_config_file(const surroundings& around) {
  std::error_code ignored;
  auto here = around.working_directory / "config.json";
  if (fs::exists(here, ignored))
    return here;
  auto installed = find_installation(around.program, around.root);
  if (installed && fs::exists(installed->settings / "config.json", ignored))
    return installed->settings / "config.json";
  return {};
}

} // namespace

std::vector<fs::path> models_folders(const std::string& given,
                                     const surroundings& around) {
  if (!given.empty())
    return {given_models_folder(around.working_directory, given)};
  return usual_models_folders(around.working_directory, around.program,
                              around.root);
}

std::vector<model_setting> find_models(model_files& files,
                                       const surroundings& around) {
  std::vector<model_setting> result;
  auto path = files.config.empty() ? usual_config_file(around)
                                   : around.working_directory / files.config;
  if (!path.empty()) {
    result = read_config_file(path, around.entries);
    files.config = path.string();
  }
  auto folders = models_folders(files.folder, around);
  for (const auto& folder : files.seen)
    if (std::ranges::find(folders, fs::path{folder}) == folders.end())
      throw config_error(
          fmt::format("the models folder {} is not there", quote(folder, 128)));
  files.seen.assign(folders.begin(), folders.end());
  // A folder whose name is taken is passed over.
  for (const auto& folder : folders)
    for (auto& found : find_model_folders(folder)) {
      auto is_taken = [&](const auto& model) {
        return model.name == found.name;
      };
      if (std::none_of(result.begin(), result.end(), is_taken))
        result.push_back(std::move(found));
    }
  return result;
}

} // namespace model_server
