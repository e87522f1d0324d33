// The process of one worker: what `main` runs instead of a server.
#include "actors/worker_process.hpp"

#include "actors/child_process.hpp"
#include "actors/message_types.hpp"
#include "actors/network.hpp"
#include "actors/node_parts.hpp"
#include "actors/process_usage.hpp"
#include "actors/worker.hpp"
#include "actors/worker_launch.hpp"
#include "config/config_file.hpp"
#include "config/logging.hpp"
#include "models/model_catalog.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include <unistd.h>

namespace model_server {

namespace {

// What it ends with. Its node takes anything but 0 for a fault.
constexpr int told_to_go = 0;
constexpr int broken = 70; // EX_SOFTWARE

constexpr auto dial_patience = std::chrono::seconds{10};
constexpr auto dial_pause = std::chrono::milliseconds{200};

// The front takes so long at most to take the last tokens.
constexpr auto last_words_time = std::chrono::seconds{1};

constexpr int page_descriptor = first_given_descriptor;
constexpr int cores_descriptor = first_given_descriptor + 1;

// No destructors: the system takes back what is left, and a model that hangs in
// a step keeps nobody from going.
[[noreturn]] void leave(int status) {
  stop_logging();
  ::_exit(status);
}

// The end of standard input is the end of the node, or its wish.
void leave_with_parent() {
  std::thread{[] {
    char ignored = 0;
    while (::read(STDIN_FILENO, &ignored, 1) > 0)
      continue;
    ::_exit(told_to_go);
  }}.detach();
}

struct process_settings : caf::actor_system_config {
  explicit process_settings(const cluster_settings& cluster) {
    model_server::add_message_types(*this);
    add_network(*this, cluster);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
  }
};

worker_options options_for(const worker_launch& launch,
                           const std::shared_ptr<worker_page>& page) {
  auto model = parse_config(launch.model_json, "the orders of this process",
                            entry_names())
                   .at(0);
  auto result = options_for(
      launch.order,
      std::make_shared<thread_budget>(
          launch.cores, map_object<thread_budget::counter>(cores_descriptor)));
  result.make_entry = [model,
                       device = launch.order.device](const load_watch& watch) {
    return make_entry(model.entry, {model.params, device, watch});
  };
  result.page = page;
  if (result.threads) // on an accelerator the process has little of it
    result.measure_memory = [] { return resident_bytes(); };
  return result;
}

// CAF takes a handshake that is not over at the next heartbeat for a lost
// connection, so one failure means little.
caf::expected<gateway_actor> dial(caf::actor_system& system,
                                  const worker_launch& launch) {
  auto until = std::chrono::steady_clock::now() + dial_patience;
  for (;;) {
    auto front = launch.local_port
                     ? find_local_gateway(system, launch.local_port)
                     : find_cluster_gateway(system, launch.cluster);
    if (front || std::chrono::steady_clock::now() > until)
      return front;
    std::this_thread::sleep_for(dial_pause);
  }
}

// Serves until the worker or the front is gone.
[[noreturn]] void serve(const worker_launch& launch,
                        const std::shared_ptr<worker_page>& page) {
  process_settings config{launch.cluster};
  caf::actor_system system{config};
  auto front = dial(system, launch);
  if (!front)
    throw std::runtime_error("the front is out of reach: "
                             + caf::to_string(front.error()));
  auto subject = system.spawn<caf::detached>(worker, options_for(launch, page));
  caf::scoped_actor self{system};
  self->monitor(subject);
  self->monitor(*front);
  caf::anon_send(*front, worker_here{launch.order.ticket}, subject);
  auto status = told_to_go;
  auto has_front = true;
  self->receive([&](const caf::down_msg& down) {
    has_front = down.source == subject;
    if (has_front && is_failure(down.reason))
      status = broken;
  });
  // Tokens of earlier steps are still on their way out, before this question.
  if (has_front)
    self->request(*front, last_words_time, flush_atom::value)
        .receive([](caf::ok_atom) {}, [](const caf::error&) {});
  leave(status);
}

} // namespace

void run_worker_process() {
  live_as_child();
  std::shared_ptr<worker_page> page;
  try {
    auto launch = read_launch(STDIN_FILENO);
    page = map_object<worker_page>(page_descriptor);
    leave_with_parent();
    start_logging(launch.log);
    serve(launch, page);
  } catch (const std::exception& problem) {
    if (page)
      page->write_last_words(problem.what());
  }
  leave(broken);
}

} // namespace model_server
