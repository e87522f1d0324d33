// The command line of `model_api quantize`.
#include "config/quantize_options.hpp"

#include "config/entry_params.hpp"
#include "config/subcommand.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace model_server {

std::variant<quantize_options, early_exit>
read_quantize_options(int argc, const char* const* argv,
                      const std::vector<std::string>& formats) {
  quantize_options result;
  subcommand what;
  what.name = quantize_command;
  what.purpose =
      "Packs the weights of a model folder once, so that servers map them "
      "instead of\npacking them at every start, and share them between "
      "processes.\n";
  what.usage = "FOLDER --to FORMAT --output FOLDER";
  what.arguments = {
      {"FOLDER", "", "the model", "",
       [&](auto& given) { result.from = given.text; }},
      {"--to", "FORMAT", fmt::format("{}", fmt::join(formats, ", ")), "",
       [&](auto& given) {
         if (std::ranges::find(formats, given.text) == formats.end())
           refuse_value(given, fmt::format("{}", fmt::join(formats, ", ")));
         result.format = given.text;
       }},
      {"--output", "FOLDER", "a new folder, a whole model again", "",
       [&](auto& given) { result.to = given.text; }},
  };
  if (auto early = read_subcommand(what, argc, argv, {}))
    return *early;
  if (result.from.empty())
    throw config_error("quantize needs the folder of a model");
  if (result.to.empty())
    throw config_error("quantize needs --output, a folder to make");
  if (result.format.empty())
    throw config_error(fmt::format("quantize needs --to, one of {}",
                                   fmt::join(formats, ", ")));
  return result;
}

} // namespace model_server
