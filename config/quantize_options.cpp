// The command line of `model_api quantize`.
#include "config/quantize_options.hpp"

#include "config/config_reader.hpp"
#include "config/quote.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace model_server {

namespace {

constexpr std::size_t shown_bytes = 128;

std::string help(const std::vector<std::string>& formats) {
  return fmt::format(
      "Packs the weights of a model folder once, so that servers map them "
      "instead of\npacking them at every start, and share them between "
      "processes.\n\n"
      "model_api quantize FOLDER --to FORMAT --output FOLDER\n\n"
      "  --to FORMAT                 {}\n"
      "  --output FOLDER             a new folder, a whole model again\n"
      "  -h, --help                  print this\n",
      fmt::join(formats, ", "));
}

} // namespace

std::variant<quantize_options, early_exit>
read_quantize_options(int argc, const char* const* argv,
                      const std::vector<std::string>& formats) {
  quantize_options result;
  auto wants_help = false;
  CLI::App app;
  app.set_help_flag();
  std::string from, to;
  app.add_option("FOLDER", from);
  app.add_option("--to", result.format)->allow_extra_args(false);
  app.add_option("--output", to)->allow_extra_args(false);
  app.add_flag("-h,--help", wants_help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    throw config_error(problem.what());
  }
  if (wants_help)
    return early_exit{help(formats)};
  if (from.empty())
    throw config_error("quantize needs the folder of a model");
  if (to.empty())
    throw config_error("quantize needs --output, a folder to make");
  if (std::ranges::find(formats, result.format) == formats.end())
    throw config_error(fmt::format("--to is {}, but {} is needed",
                                   quote(result.format, shown_bytes),
                                   fmt::join(formats, ", ")));
  result.from = from;
  result.to = to;
  return result;
}

} // namespace model_server
