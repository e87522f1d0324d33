// Walks two levels of a models folder.
#include "config/model_folders.hpp"

#include "config/installation.hpp"
#include "config/model_name.hpp"
#include "config/part_name.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

namespace {

// What lies in `folder`, links followed. What cannot be read is passed over: a
// stranger's folder beside the models is no reason not to start.
std::vector<fs::directory_entry> entries_in(const fs::path& folder) {
  std::vector<fs::directory_entry> result;
  std::error_code problem;
  for (fs::directory_iterator at{folder, problem}, end; at != end;
       at.increment(problem)) {
    result.push_back(*at);
    if (problem)
      break;
  }
  return result;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code ignored;
  for (const auto& entry : entries_in(folder))
    if (entry.is_directory(ignored))
      result.push_back(entry.path());
  return result;
}

// The .gguf files of a folder with what they are called, each model once.
std::vector<std::pair<std::string, fs::path>> files_in(const fs::path& folder) {
  std::vector<std::pair<std::string, fs::path>> result;
  std::error_code ignored;
  for (const auto& entry : entries_in(folder)) {
    if (entry.path().extension() != ".gguf" || !entry.is_regular_file(ignored))
      continue;
    auto part = read_part_name(entry.path().filename().string());
    if (!part)
      result.emplace_back(entry.path().stem().string(), entry.path());
    else if (part->number == 1)
      result.emplace_back(part->model, entry.path());
  }
  return result;
}

// Collects the models of a folder.
class search {
public:
  explicit search(const fs::path& folder) : folder_(folder) {
  }

  std::vector<model_setting> run() {
    for (const auto& [name, path] : files_in(folder_))
      add(name, path);
    for (const auto& path : folders_in(folder_))
      if (!add_folder(path))
        for (const auto& inner : folders_in(path))
          add_folder(inner);
    std::sort(result_.begin(), result_.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return std::move(result_);
  }

private:
  // False if there is no model in it.
  bool add_folder(const fs::path& path) {
    auto name = path.lexically_relative(folder_).generic_string();
    std::error_code ignored;
    if (fs::is_regular_file(path / "config.json", ignored)) {
      // As sentence-transformers writes them.
      auto embeds = fs::is_regular_file(path / "modules.json", ignored);
      add(name, path, embeds ? "embedding" : "causal_lm");
      return true;
    }
    auto files = files_in(path);
    if (files.size() == 1)
      add(name, files[0].second);
    else
      for (const auto& [stem, file] : files)
        add(name + "/" + stem, file);
    return !files.empty();
  }

  void add(const std::string& name, const fs::path& path,
           const char* entry = "causal_lm") {
    if (!is_model_name(name))
      return;
    entry_params params;
    params.values.emplace_back("path", path.string());
    result_.push_back({name, entry, std::move(params), 0, {}});
  }

  const fs::path& folder_;
  std::vector<model_setting> result_;
};

} // namespace

std::vector<model_setting> find_model_folders(const fs::path& folder) {
  return search{folder}.run();
}

std::vector<fs::path> usual_models_folders(const fs::path& working_directory,
                                           const fs::path& program,
                                           const fs::path& root) {
  std::vector<fs::path> result;
  auto take = [&](const fs::path& folder) {
    std::error_code ignored;
    auto is_there = fs::is_directory(folder, ignored);
    if (is_there)
      result.push_back(folder.lexically_normal());
    return is_there;
  };
  if (!take(working_directory / "models"))
    take(program.parent_path() / "../../models"); // build/PRESET/model_api
  if (auto installed = find_installation(program, root)) {
    take(installed->state / "models");
    take(installed->shipped / "models");
  }
  return result;
}

fs::path given_models_folder(const fs::path& working_directory,
                             const std::string& given) {
  auto refuse = [&](std::string_view why) {
    throw config_error(
        fmt::format("the models folder {} {}", quote(given, 128), why));
  };
  auto folder = working_directory / given;
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

} // namespace model_server
