// Starts the server, waits for a signal, stops it. `main` is the table of
// contents.
#include "actors/cluster_member.hpp"
#include "actors/message_types.hpp"
#include "actors/model_start.hpp"
#include "actors/network.hpp"
#include "actors/serving.hpp"
#include "actors/worker_process.hpp"
#include "config/command_line.hpp"
#include "config/logging.hpp"
#include "config/loopback.hpp"
#include "config/process_signals.hpp"
#include "config/quantize_options.hpp"
#include "config/service_manager.hpp"
#include "http/access_control.hpp"
#include "http/client/commands.hpp"
#include "http/client/output.hpp"
#include "http/endpoints.hpp"
#include "http/server.hpp"
#include "http/succession.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/model_catalog.hpp"
#include "models/quantize.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace model_server;

constexpr int unusable_settings = 2;
constexpr int nothing_loaded = 1;
constexpr int failed = 1;

/// How long a process whose successor serves still takes requests on the
/// connections that it has.
constexpr auto straggler_time = std::chrono::seconds{5};
constexpr auto status_patience = std::chrono::seconds{10};

/// How long answers that are complete may take to reach their clients, and
/// how long everything may take to end afterwards.
constexpr auto last_bytes = std::chrono::seconds{3};
constexpr unsigned end_seconds = 10;

/// A line for the person or script that started us; logs go to stderr.
void announce(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

/// The next signal ends the process at once.
void begin_stop() {
  release_stop_signals();
  tell_service_manager("STOPPING=1");
  log_event(log_level::info, "stopping", {{"signal", stop_signal()}});
}

// -- start --------------------------------------------------------------------

/// Shells hand out a low limit of descriptors that any program may raise for
/// itself; every connection needs one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What the actors run on: a queue that wakes its threads at once. Half the
/// cores: actors only pass messages on, and the I/O and model threads, which
/// do the work, need theirs.
struct actor_settings : caf::actor_system_config {
  explicit actor_settings(const settings& config) {
    model_server::add_message_types(*this);
    if (config.serving.workers == isolation::process || config.cluster.listen
        || config.cluster.join)
      add_network(*this, config.cluster);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads",
        std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2));
  }
};

/// How the models of the start fared.
struct start_result {
  std::atomic<bool> is_settled{false};
  std::atomic<bool> is_hopeless{false};
};

/// When not a single model loads there is nothing to serve and the process
/// stops.
start_events tell_result(std::shared_ptr<start_result> result) {
  return {[](const std::string& model, const std::string& device) {
            announce(fmt::format("{} is ready on {}", model, device));
          },
          [result](bool is_hopeless) {
            result->is_hopeless = is_hopeless;
            result->is_settled = true;
            if (is_hopeless)
              ask_to_stop(SIGTERM);
            else
              tell_news();
          }};
}

/// Without its gateway the server can only say that it is broken: it ends, and
/// whoever started it may start it again. Watches as long as the caller keeps
/// what this returns.
caf::actor watch_gateway(caf::actor_system& system,
                         const gateway_actor& gateway,
                         std::shared_ptr<start_result> result) {
  auto watch = [result](caf::event_based_actor* self,
                        const gateway_actor& whom) {
    self->monitor(whom);
    self->set_down_handler([=](const caf::down_msg& down) {
      self->quit();
      if (down.reason == caf::exit_reason::user_shutdown)
        return;
      log_event(log_level::error, "gateway_lost",
                {{"reason", describe(down.reason)}});
      result->is_hopeless = true;
      ask_to_stop(SIGTERM);
    });
    return caf::behavior{[](tick_atom) {}}; // waits for that
  };
  return system.spawn(watch, gateway);
}

// -- succession ---------------------------------------------------------------

/// Starts a second process, of the program as it is now in its file, that has
/// the same devices. None if that can't be done: this one goes on.
std::unique_ptr<successor>
start_successor(caf::actor_system& system, const gateway_actor& gateway,
                const std::string& node_name,
                const std::vector<std::string>& command_line,
                int listening_socket) {
  auto fail = [](const std::string& reason) {
    log_event(log_level::error, "succession_failed", {{"reason", reason}});
  };
  std::unique_ptr<successor> result;
  if (::getpid() == 1) {
    fail("the end of process 1 would end its container");
    return result;
  }
  caf::scoped_actor self{system};
  self->request(gateway, status_patience, get_status{})
      .receive(
          [&](const server_status& status) {
            try {
              result = std::make_unique<successor>(
                  command_line, listening_socket,
                  devices_in_use(status, node_name), tell_news);
              log_event(log_level::info, "successor_started",
                        {{"process", result->id()}});
            } catch (const std::system_error& problem) {
              fail(problem.what());
            }
          },
          [&](const caf::error& reason) { fail(describe(reason)); });
  return result;
}

// -- stop ---------------------------------------------------------------------

/// Lets the replies in progress finish.
void drain_replies(caf::actor_system& system, const gateway_actor& gateway,
                   std::chrono::milliseconds limit) {
  caf::scoped_actor self{system};
  self->request(gateway, limit + std::chrono::seconds{5}, drain{limit})
      .receive(
          [](std::uint32_t cut_off) {
            if (cut_off > 0)
              log_event(log_level::warning, "replies_cut_off",
                        {{"replies", cut_off}});
          },
          [](const caf::error& reason) {
            auto why = describe(reason);
            log_event(log_level::error, "drain_failed", {{"reason", why}});
          });
}

/// A model that can't be interrupted while it loads must not keep the process.
void exit_soon_whatever_happens() {
  std::signal(SIGALRM, [](int) { ::_exit(0); });
  ::alarm(end_seconds);
}

/// Ends the actors whichever way the server ends: the system waits for them.
struct serving_end {
  gateway_actor gateway;

  ~serving_end() {
    caf::anon_send_exit(gateway, caf::exit_reason::user_shutdown);
  }
};

// Keys and certificate, as far as there are such; what cannot be used leaves
// everything as it was.
void reload_door(const settings& config, access_control& access,
                 http_server& server) {
  auto attempt = [](std::string_view what, auto reload) {
    try {
      reload();
      log_event(log_level::info, "door_reloaded", {{"what", what}});
    } catch (const std::exception& problem) {
      log_event(log_level::error, "door_not_reloaded",
                {{"what", what}, {"reason", problem.what()}});
    }
  };
  if (config.access.keys.are_there())
    attempt("keys",
            [&] { access.reload_keys(std::chrono::steady_clock::now()); });
  if (config.http.has_tls())
    attempt("certificate", [&] { server.reload_certificate(); });
}

/// Until a signal, or until a successor serves, which is returned. Calls
/// `reload` on each SIGHUP before.
std::unique_ptr<successor> serve_clients(
    caf::actor_system& system, const gateway_actor& gateway,
    http_server& server, const start_result& started,
    const std::string& node_name, const std::vector<std::string>& command_line,
    std::optional<predecessor>& before, const std::function<void()>& reload) {
  std::unique_ptr<successor> next;
  auto is_ready = false;
  while (stop_signal() == 0) {
    if (started.is_settled && !std::exchange(is_ready, true)) {
      if (before) {
        server.accept();
        before->relieve();
      }
      tell_service_manager("READY=1");
    }
    if (next && next->serves())
      return next;
    if (next && next->has_failed()) {
      next.reset();
      log_event(log_level::error, "succession_failed",
                {{"reason", "the new process has ended; its log says why"}});
    }
    if (is_ready && take_succession_wish() && !next)
      next = start_successor(system, gateway, node_name, command_line,
                             server.listening_socket());
    if (take_reload_wish())
      reload();
    wait_for_news();
  }
  return nullptr;
}

/// `command_line` is what a successor is started with, `before` what this
/// process has of the one that it follows.
int serve(const settings& config, const std::vector<std::string>& command_line,
          std::optional<predecessor> before) {
  auto access = std::make_shared<access_control>(
      config.access, std::chrono::steady_clock::now());
  actor_settings actor_config{config};
  caf::actor_system system{actor_config};
  auto telemetry = start_telemetry(system);
  auto memory = std::make_shared<memory_gauge>();
  auto gateway =
      start_serving(system, config, telemetry, memory, before.has_value());
  serving_end end{gateway};
  auto started = std::make_shared<start_result>();
  auto is_hopeless = false;
  {
    http_server server{
        config.http, make_endpoints(system, gateway, telemetry, config, access),
        before ? before->listening_socket() : -1, memory};
    announce(fmt::format("listening on {}://{}:{}",
                         config.http.has_tls() ? "https" : "http",
                         config.http.address, server.port()));
    log_event(log_level::info, "listening",
              {{"address", config.http.address}, {"port", server.port()}});
    if (!config.access.keys.are_there() && !is_loopback(config.http.address))
      log_event(log_level::warning, "open_to_all",
                {{"meaning", "whoever reaches this address may use and change "
                             "the server: there are no API keys"}});
    auto watcher = watch_gateway(system, gateway, started);
    start_models(system, gateway, config, tell_result(started));
    auto next = serve_clients(system, gateway, server, *started,
                              config.node_name, command_line, before, [&] {
                                reload_door(config, *access, server);
                                caf::anon_send(gateway, reload_models{});
                              });
    if (next) {
      server.retire();
      tell_service_manager(fmt::format("MAINPID={}", next->id()));
      log_event(log_level::info, "succeeded", {{"process", next->id()}});
      wait_for_stop(straggler_time);
    }
    // Models that fail to load from now on do so because they are stopped.
    is_hopeless = started->is_hopeless;
    begin_stop();
    server.drain();
    drain_replies(system, gateway, config.serving.drain_timeout);
    exit_soon_whatever_happens();
    server.wait_until_closed(last_bytes);
  }
  return is_hopeless ? nothing_loaded : 0;
}

// Offers this machine's devices to another one's server until it is told to
// stop.
int serve_as_member(const settings& config) {
  actor_settings actor_config{config};
  caf::actor_system system{actor_config};
  {
    cluster_member member{system, config};
    announce(fmt::format("{} offers its devices to {}:{}", config.node_name,
                         config.cluster.join.host, config.cluster.join.port));
    tell_service_manager("READY=1");
    while (stop_signal() == 0) {
      if (take_reload_wish())
        member.reload();
      wait_for_news();
    }
    begin_stop();
    exit_soon_whatever_happens();
  }
  return 0;
}

// -- other commands -----------------------------------------------------------

int quantize_weights(int argc, const char* const* argv) {
  auto read = read_quantize_options(argc, argv, packed_format_names());
  if (const auto* early = std::get_if<early_exit>(&read)) {
    print_now(early->text);
    return 0;
  }
  const auto& options = std::get<quantize_options>(read);
  quantize(options.from, options.to, options.format);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == worker_process_flag)
    run_worker_process();
  std::signal(SIGCHLD, SIG_DFL); // ignored, it would keep ends from us
  raise_descriptor_limit();
  std::vector<std::string> command_line(argv, argv + argc);
  std::optional<predecessor> before;
  if (argc > 1 && command_line[1] == successor_flag) {
    before.emplace();
    command_line.erase(command_line.begin() + 1);
    argv[1] = argv[0];
    ++argv;
    --argc;
  }
  try {
    if (argc > 1 && std::string_view{argv[1]} == quantize_command)
      return quantize_weights(argc - 1, argv + 1);
    if (auto status = run_client_command(argc, argv))
      return *status;
    best_kernels(); // or why the form that was asked for cannot be had
    auto loaded =
        load_settings(argc, argv, process_surroundings(entry_names()));
    if (const auto* early = std::get_if<early_exit>(&loaded)) {
      print_now(early->text);
      return 0;
    }
    auto& config = std::get<settings>(loaded);
    if (before)
      take_devices(config, before->devices());
    check_start(config);
    catch_signals();
    start_logging(config.log);
    auto status = config.cluster.join
                      ? serve_as_member(config)
                      : serve(config, command_line, std::move(before));
    stop_logging();
    return status;
  } catch (const config_error& e) {
    fmt::print(stderr, "model_api: {}\n", e.what());
    return unusable_settings;
  } catch (const std::exception& e) {
    fmt::print(stderr, "model_api: {}\n", e.what());
    return failed;
  }
}
