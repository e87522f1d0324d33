// The command line of `model_api bench`.
#include "config/bench_options.hpp"

#include "config/entry_params.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace model_server {

namespace {

subcommand_argument whole(std::string name, std::string help, unsigned most,
                          unsigned& target) {
  return {std::move(name), "N",
          fmt::format("{}; 1 to {}, default {}", help, most, target), "",
          [=, &target](const given_value& given) {
            target = static_cast<unsigned>(parse_whole(given, 1, most));
          }};
}

constexpr std::uint64_t max_tokens_in_all = 50'000'000;

constexpr auto notes =
    "A first request is not counted: it shows that the model answers. Prompts "
    "are\nwords, different ones in each request. Exit status: 0; 1 if a "
    "request "
    "failed;\n2 for unusable arguments; 130 after Ctrl-C, with the figures so "
    "far.\n";

} // namespace

std::variant<bench_options, early_exit>
read_bench_options(int argc, const char* const* argv,
                   const surroundings& around) {
  bench_options result;
  subcommand what;
  what.name = "bench";
  what.purpose = "Measures how fast a running server answers.\n";
  what.usage = "NAME [options]";
  what.notes = notes;
  what.arguments = {
      model_argument(result.model),
      whole("--streams", "requests at one time", 4096, result.streams),
      whole("--requests", "requests in all", 1'000'000, result.requests),
      whole("--prompt-tokens", "tokens of a prompt, about", 1'000'000,
            result.prompt_tokens),
      whole("--max-tokens", "tokens of a reply", 1'000'000, result.max_tokens),
      {"--json", "", "print the figures as JSON", "",
       [&](auto&) { result.as_json = true; }},
  };
  for (auto& each : access_arguments(result.server))
    what.arguments.push_back(std::move(each));
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (result.model.empty())
    throw config_error("bench needs the name of a model; model_api list tells "
                       "those of the server");
  if (auto tokens = std::uint64_t{result.requests} * result.max_tokens;
      tokens > max_tokens_in_all)
    throw config_error(fmt::format(
        "--requests {} times --max-tokens {} is {}; each token's time is kept, "
        "and the limit is {}",
        result.requests, result.max_tokens, tokens, max_tokens_in_all));
  return result;
}

} // namespace model_server
