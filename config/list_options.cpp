// The command line of `model_api list`.
#include "config/list_options.hpp"

#include "config/model_files.hpp"

namespace model_server {

std::variant<list_options, early_exit>
read_list_options(int argc, const char* const* argv,
                  const surroundings& around) {
  list_options result;
  std::string folder;
  subcommand what;
  what.name = "list";
  what.purpose = "Lists the models of a running server, or with --local those "
                 "in the models folder.\n";
  what.usage = "[--local [--models-dir FOLDER]] [options]";
  what.arguments = {
      {"--local", "", "the folders and .gguf files found, their form and size",
       "", [&](auto&) { result.is_local = true; }},
      models_folder_argument(folder),
  };
  for (auto& each : access_arguments(result.server))
    what.arguments.push_back(std::move(each));
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (result.is_local)
    result.models_folders = models_folders(folder, around);
  return result;
}

} // namespace model_server
