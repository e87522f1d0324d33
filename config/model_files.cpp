// Reads config.json and looks through the models folder.
#include "config/model_files.hpp"

#include "config/config_file.hpp"
#include "config/model_folders.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace model_server {

namespace {

namespace fs = std::filesystem;

// The folder of --models-dir, which must be there and open to us.
fs::path check_models_folder(const surroundings& around,
                             const std::string& given) {
  auto refuse = [&](std::string_view why) {
    throw config_error(
        fmt::format("the models folder {} {}", quote(given, 128), why));
  };
  auto folder = around.working_directory / given;
  std::error_code problem;
  if (auto found = fs::status(folder, problem); !fs::exists(found))
    refuse(found.type() == fs::file_type::not_found
               ? "is not there"
               : "cannot be read: " + problem.message());
  else if (!fs::is_directory(found))
    refuse("is no folder");
  fs::directory_iterator{folder, problem};
  if (problem)
    refuse("cannot be read: " + problem.message());
  return folder;
}

} // namespace

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
          : check_models_folder(around, files.folder);
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
