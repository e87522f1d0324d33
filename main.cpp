// Starts the server, waits for a signal, stops it. `main` is the table of
// contents.
#include "actors/cluster_member.hpp"
#include "actors/device_choice.hpp"
#include "actors/message_types.hpp"
#include "actors/network.hpp"
#include "actors/serving.hpp"
#include "actors/worker_process.hpp"
#include "client/commands.hpp"
#include "client/output.hpp"
#include "config/command_line.hpp"
#include "config/logging.hpp"
#include "config/loopback.hpp"
#include "config/quantize_options.hpp"
#include "http/access_control.hpp"
#include "http/endpoints.hpp"
#include "http/server.hpp"
#include "models/devices.hpp"
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
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include <fcntl.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace model_server;

constexpr int unusable_settings = 2;
constexpr int nothing_loaded = 1;
constexpr int failed = 1;

/// How long answers that are complete may take to reach their clients, and
/// how long everything may take to end afterwards.
constexpr auto last_bytes = std::chrono::seconds{3};
constexpr unsigned end_seconds = 10;

/// A line for the person or script that started us; logs go to stderr.
void announce(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

// -- signals ------------------------------------------------------------------

// What a signal handler may touch.
sem_t signal_came;
std::atomic<int> stop_signal{0};
std::atomic<bool> has_hung_up{false};
static_assert(std::atomic<int>::is_always_lock_free);

void ask_to_stop(int which) {
  stop_signal = which;
  ::sem_post(&signal_came);
}

void hang_up(int) {
  has_hung_up = true;
  ::sem_post(&signal_came);
}

bool has_terminal() {
  auto terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0)
    return false;
  ::close(terminal);
  return true;
}

// SIGHUP is a wish to reload, or the end of the terminal that we were started
// in, which ends us, unless whoever started us did not want that (nohup).
bool ends_with_terminal = false;

/// From now on they are kept for `wait_for_stop`. By a handler and not by a
/// mask: libraries start threads before `main`, and a signal goes to any thread
/// that doesn't mask it.
void catch_signals() {
  ::sem_init(&signal_came, 0, 0);
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = SA_RESTART;
  sigset_t signals;
  ::sigemptyset(&signals);
  for (auto which : {SIGTERM, SIGINT}) {
    ::sigaction(which, &action, nullptr);
    ::sigaddset(&signals, which);
  }
  action.sa_handler = hang_up;
  struct sigaction before {};
  ::sigaction(SIGHUP, &action, &before);
  ::sigaddset(&signals, SIGHUP);
  ends_with_terminal = before.sa_handler != SIG_IGN && has_terminal();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

/// Returns on the first signal to stop; the second one ends the process at
/// once. Calls `reload` on each SIGHUP before.
void wait_for_stop(const std::function<void()>& reload) {
  while (stop_signal == 0) {
    if (::sem_wait(&signal_came) != 0)
      continue; // interrupted by some other signal
    if (!has_hung_up.exchange(false))
      continue;
    if (ends_with_terminal && !has_terminal())
      stop_signal = SIGHUP;
    else
      reload();
  }
  for (auto which : {SIGTERM, SIGINT})
    std::signal(which, SIG_DFL);
  log_event(log_level::info, "stopping", {{"signal", stop_signal.load()}});
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

/// Throws `config_error` for what would keep a model of the command line from
/// its devices and shows without loading it.
void check_start(const settings& config) {
  for (const auto& model : config.models) {
    if (model.start_devices.empty())
      continue;
    device_choice choice;
    choice.devices = list_devices(config.serving.virtual_devices);
    choice.model = model.name;
    choice.node = config.node_name;
    for (const auto& device : model.start_devices) {
      choice.wanted = device;
      auto chosen = choose_device(choice);
      if (const auto* why = std::get_if<failure>(&chosen))
        throw config_error(
            fmt::format("model {}: {}", model.name, why->message));
      choice.in_use.push_back(std::get<std::string>(std::move(chosen)));
    }
    try {
      check_params(model.entry, model.params);
    } catch (const config_error& problem) {
      throw config_error(
          fmt::format("model {}: {}", model.name, problem.what()));
    }
  }
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

/// How the models of the command line fared.
struct start_result {
  std::atomic<std::size_t> missing{0};
  std::atomic<std::size_t> loaded{0};
  std::atomic<bool> is_hopeless{false};
};

/// Adds every device that the command line names, in its order. A model that
/// doesn't load is an error in the log and the others go on serving; when not
/// a single one loads there is nothing to serve and the process stops.
void start_models(caf::actor_system& system, const gateway_actor& gateway,
                  const settings& config,
                  std::shared_ptr<start_result> result) {
  std::vector<add_device> orders;
  for (const auto& model : config.models)
    for (const auto& device : model.start_devices)
      orders.push_back({model.name, device, true});
  result->missing = orders.size();
  auto settle = [result](bool is_loaded) {
    if (is_loaded)
      ++result->loaded;
    if (--result->missing == 0 && result->loaded == 0) {
      result->is_hopeless = true;
      ask_to_stop(SIGTERM);
    }
  };
  auto add_all = [=](caf::event_based_actor* self,
                     const std::vector<add_device>& devices) {
    for (const auto& order : devices)
      self->request(gateway, caf::infinite, order)
          .then(
              [=](const device_report& report) {
                announce(fmt::format("{} is ready on {}", order.model,
                                     report.device));
                settle(true);
              },
              [=](const caf::error& reason) {
                auto why = describe(reason);
                log_event(log_level::error, "model_not_started",
                          {{"model", order.model},
                           {"device", order.device},
                           {"reason", why}});
                settle(false);
              });
  };
  system.spawn(add_all, orders);
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

// Keys and certificate; what cannot be used leaves everything as it was.
void reload_door(access_control& access, http_server& server) {
  auto attempt = [](std::string_view what, auto reload) {
    try {
      reload();
      log_event(log_level::info, "reloaded", {{"what", what}});
    } catch (const std::exception& problem) {
      log_event(log_level::error, "not_reloaded",
                {{"what", what}, {"reason", problem.what()}});
    }
  };
  attempt("keys",
          [&] { access.reload_keys(std::chrono::steady_clock::now()); });
  attempt("certificate", [&] { server.reload_certificate(); });
}

int serve(const settings& config) {
  auto access = std::make_shared<access_control>(
      config.access, std::chrono::steady_clock::now());
  actor_settings actor_config{config};
  caf::actor_system system{actor_config};
  auto telemetry = start_telemetry(system);
  auto gateway = start_serving(system, config, telemetry);
  serving_end end{gateway};
  auto started = std::make_shared<start_result>();
  auto is_hopeless = false;
  {
    http_server server{config.http,
                       make_endpoints(system, gateway, telemetry, config,
                                      access)};
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
    start_models(system, gateway, config, started);
    wait_for_stop([&] {
      reload_door(*access, server);
      caf::anon_send(gateway, reload_models{});
    });
    // Models that fail to load from now on do so because they are stopped.
    is_hopeless = started->is_hopeless;
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
    wait_for_stop([&] { member.reload(); });
    exit_soon_whatever_happens();
  }
  return 0;
}

// -- packing ------------------------------------------------------------------

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
    const auto& config = std::get<settings>(loaded);
    check_start(config);
    catch_signals();
    start_logging(config.log);
    auto status = config.cluster.join ? serve_as_member(config) : serve(config);
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
