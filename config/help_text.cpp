// Writes the help from the table of options.
#include "config/help_text.hpp"

#include "config/option_table.hpp"

#include <fmt/format.h>

#include <string_view>

namespace model_server {

std::string help_text() {
  std::string text = "Serves chat models over HTTP.\n\n"
                     "model_api [--model NAME [--device DEVICE...]]... "
                     "[options]\n"
                     "model_api pull ORG/NAME   fetches a model from a hub\n"
                     "model_api chat NAME       talks to a model of a running "
                     "server\n"
                     "model_api list            lists the models of one\n"
                     "model_api bench NAME      measures how fast one answers\n"
                     "model_api health          asks whether one is ready\n"
                     "model_api quantize FOLDER --to FORMAT --output FOLDER\n"
                     "                          packs the weights of a model\n"
                     "Each of these has a --help of its own.\n\n";
  auto add = [&](std::string_view left, std::string_view help,
                 std::string_view limits, std::string_view variable) {
    text += fmt::format("  {:<28}{}\n  {:<28}({}) [{}]\n", left, help, "",
                        limits, variable);
  };
  add("--model NAME", "start with this model; may be repeated",
      "default none: models are added over HTTP", "MODEL_SERVER_MODEL");
  add("--device DEVICE...", "where the model before it runs: cpu cuda:0 ...",
      "default: the server chooses one", "MODEL_SERVER_DEVICE");
  for (const auto& line : option_table()) {
    auto variable = variable_of(line.name);
    if (line.name == "batch-size")
      variable += " or BATCH_SIZE";
    add(fmt::format("--{} {}", line.name, line.placeholder), line.help,
        line.limits, variable);
  }
  text += "  --version                   print the version\n"
          "  -h, --help                  print this\n\n"
          "TIME is 500ms, 30s, 2m, 1h or a number of seconds. The variable in\n"
          "brackets counts where the option is not given; in\n"
          "MODEL_SERVER_DEVICE several devices are separated by spaces.\n"
          "MODEL_SERVER_API_KEY is a key that may do everything.\n";
  return text;
}

} // namespace model_server
