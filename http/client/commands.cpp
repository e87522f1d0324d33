// The table of commands.
#include "http/client/commands.hpp"

#include "http/client/bench.hpp"
#include "http/client/chat.hpp"
#include "http/client/health.hpp"
#include "http/client/hub/pull.hpp"
#include "http/client/interrupt.hpp"
#include "http/client/list.hpp"
#include "http/client/output.hpp"

#include <string_view>
#include <variant>

namespace model_server {

namespace {

constexpr int stopped_by_interrupt = 130; // as shells have it

template <class Options>
using reader = std::variant<Options, early_exit> (*)(int, const char* const*,
                                                     const surroundings&);

template <class Options>
int run(reader<Options> read, int (*act)(const Options&), int argc,
        const char* const* argv) {
  auto options = read(argc, argv, process_surroundings({}));
  if (const auto* early = std::get_if<early_exit>(&options)) {
    print_now(early->text);
    return 0;
  }
  try {
    return act(std::get<Options>(options));
  } catch (const interrupted&) {
    complain("stopped");
    return stopped_by_interrupt;
  }
}

} // namespace

std::optional<int> run_client_command(int argc, const char* const* argv) {
  if (argc < 2)
    return std::nullopt;
  std::string_view name = argv[1];
  --argc;
  ++argv;
  if (name == "pull")
    return run(read_pull_options, pull, argc, argv);
  if (name == "chat")
    return run(read_chat_options, chat, argc, argv);
  if (name == "list")
    return run(read_list_options, list_models, argc, argv);
  if (name == "bench")
    return run(read_bench_options, bench, argc, argv);
  if (name == "health")
    return run(read_health_options, ask_health, argc, argv);
  return std::nullopt;
}

} // namespace model_server
