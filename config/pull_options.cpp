// The command line of `model_api pull`.
#include "config/pull_options.hpp"

#include "config/entry_params.hpp"
#include "config/model_files.hpp"
#include "config/model_name.hpp"
#include "config/server_access.hpp"

#include <algorithm>

#include <unistd.h>

namespace model_server {

namespace fs = std::filesystem;

namespace {

/// The hub that people mean when they name none.
constexpr auto public_hub = "https://huggingface.co";

constexpr auto notes =
    "Takes what a server reads: safetensors or a .gguf file, settings, "
    "tokenizer and\nchat template; never pickled weights. The folder appears "
    "when all of it is there\nand its checksums are right; the same command "
    "goes on where it was stopped, and\nbrings a model up to date.\n\n"
    "HF_ENDPOINT is the address of another hub, HF_TOKEN a token for models "
    "that are\nnot open to everyone. Exit status: 0; 1 if it failed; 2 for "
    "unusable arguments;\n130 after Ctrl-C.\n";

bool is_hub_name(std::string_view text) {
  return is_model_name(text) && text.find(':') == text.npos
         && std::ranges::count(text, '/') <= 1;
}

bool is_revision(std::string_view text) {
  return !text.empty() && text.size() <= 255
         && std::ranges::all_of(text,
                                [](char c) { return c > ' ' && c <= '~'; });
}

// Where models are kept when no option says it: where a server that is started
// here finds them, if we may write there.
fs::path usual_place(const surroundings& around) {
  for (const auto& folder : models_folders({}, around))
    if (::access(folder.c_str(), W_OK) == 0)
      return folder;
  return around.working_directory / "models";
}

hub_access read_hub(const surroundings& around) {
  hub_access result;
  result.url = public_hub;
  auto look_up = [&](const char* name, auto use) {
    auto text = around.variable(name);
    if (text && !text->empty())
      use(given_value{name, *text});
  };
  look_up("HF_ENDPOINT",
          [&](const auto& given) { result.url = parse_base_url(given); });
  look_up("HF_TOKEN",
          [&](const auto& given) { result.token = parse_secret(given); });
  return result;
}

} // namespace

std::variant<pull_options, early_exit>
read_pull_options(int argc, const char* const* argv,
                  const surroundings& around) {
  pull_options result;
  std::string to, models;
  subcommand what;
  what.name = "pull";
  what.purpose = "Fetches a model from a Hugging Face hub.\n";
  what.usage = "ORG/NAME [options]";
  what.notes = notes;
  what.arguments = {
      {"ORG/NAME", "", "the model", "",
       [&](auto& given) {
         if (!is_hub_name(given.text))
           refuse_value(given, "the name of a model on a hub");
         result.model = given.text;
       }},
      {"--revision", "REVISION", "a branch, a tag or a commit; default main",
       "",
       [&](auto& given) {
         if (!is_revision(given.text))
           refuse_value(given, "1 to 255 visible ASCII characters");
         result.revision = given.text;
       }},
      {"--include", "GLOB",
       "which .gguf file, where there are several: *Q4_K_M*", "",
       [&](auto& given) { result.include = given.text; }},
      {"--to", "FOLDER",
       "the folder of the model; default ORG/NAME in the models\nfolder", "",
       [&](auto& given) { to = given.text; }},
      models_folder_argument(models),
      {"--retries", "N",
       "attempts in a row that may fail; 0 to 1000, default 5", "",
       [&](auto& given) {
         result.retries = static_cast<unsigned>(parse_whole(given, 0, 1000));
       }},
  };
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (result.model.empty())
    throw config_error("pull needs the name of a model, ORG/NAME");
  result.hub = read_hub(around);
  result.models_folder =
      models.empty() ? usual_place(around) : around.working_directory / models;
  result.to = to.empty() ? result.models_folder / result.model
                         : around.working_directory / to;
  result.to = result.to.lexically_normal();
  if (!result.to.has_filename()) // a slash at the end
    result.to = result.to.parent_path();
  return result;
}

} // namespace model_server
