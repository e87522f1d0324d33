// A machine that gives its devices to another machine's server.
#include "actors/cluster_member.hpp"

#include "actors/network.hpp"
#include "actors/process_node.hpp"
#include "config/logging.hpp"
#include "config/model_files.hpp"
#include "models/devices.hpp"
#include "models/model_catalog.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace model_server {

namespace {

using namespace std::chrono_literals;

// Between two tries to join.
constexpr auto retry_pause = 1s;

// How often the front is told what there is: free memory changes.
constexpr auto news_interval = 5s;

// What the front may take to answer.
constexpr auto patience = 10s;

node_here what_is_here(const settings& config,
                       const std::vector<model_setting>& models) {
  node_here result;
  result.name = config.node_name;
  for (const auto& device : list_devices(config.serving.virtual_devices))
    result.devices.push_back(
        {device.name, device.is_accelerator, device.free_bytes});
  for (const auto& model : models)
    result.models.push_back(model.name);
  return result;
}

} // namespace

struct cluster_member::shared {
  shared(caf::actor_system& where, const settings& what)
      : system(where), config(what), models(what.models), files(what.files) {
  }

  void run() {
    while (!is_over) {
      auto front = find_cluster_gateway(system, config.cluster);
      if (front)
        serve(*front);
      else
        log_event(log_level::warning, "front_out_of_reach",
                  {{"address", config.cluster.join.host},
                   {"port", config.cluster.join.port},
                   {"reason", caf::to_string(front.error())}});
      pause(retry_pause);
    }
  }

  // A member until the front is lost or we leave.
  void serve(const gateway_actor& front) {
    process_node_options options;
    options.config = config;
    auto node = system.spawn(process_node, std::move(options));
    caf::scoped_actor self{system};
    self->monitor(front);
    auto is_member = tell(self, front, node);
    if (is_member)
      log_event(log_level::info, "joined",
                {{"address", config.cluster.join.host},
                 {"port", config.cluster.join.port}});
    while (is_member && !is_over) {
      is_member = !is_lost(self);
      if (is_member)
        is_member = tell(self, front, node);
    }
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    self->wait_for(node); // no worker is left then
  }

  bool tell(caf::scoped_actor& self, const gateway_actor& front,
            const node_actor& node) {
    auto is_well = false;
    auto known = current_models();
    caf::anon_send(node, model_list{known});
    self->request(front, patience, what_is_here(config, known), node)
        .receive([&](caf::ok_atom) { is_well = true; },
                 [&](const caf::error& reason) {
                   auto why = describe(reason);
                   log_event(log_level::error, "not_joined", {{"reason", why}});
                 });
    return is_well;
  }

  // Waits for the next news, looking at the end of the front and at ours.
  bool is_lost(caf::scoped_actor& self) {
    auto result = false;
    auto until = std::chrono::steady_clock::now() + news_interval;
    while (!result && !is_over && !has_news.exchange(false)
           && std::chrono::steady_clock::now() < until)
      self->receive(
          [&](const caf::down_msg& down) {
            result = true;
            auto why = describe(down.reason);
            log_event(log_level::warning, "front_lost", {{"reason", why}});
          },
          caf::after(100ms) >> [] {});
    return result;
  }

  std::vector<model_setting> current_models() {
    std::lock_guard lock{mutex};
    return models;
  }

  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex};
    changed.wait_for(lock, time, [this] { return is_over.load(); });
  }

  caf::actor_system& system;
  const settings config;
  std::atomic<bool> is_over = false;
  /// The front shall be told of other models.
  std::atomic<bool> has_news = false;
  std::mutex mutex;
  /// Guarded.
  std::vector<model_setting> models;
  /// Only used by `reload`.
  model_files files;
  std::condition_variable changed;
  std::thread thread;
};

cluster_member::cluster_member(caf::actor_system& system,
                               const settings& config)
    : shared_(std::make_unique<shared>(system, config)) {
  shared_->thread = std::thread{[state = shared_.get()] { state->run(); }};
}

void cluster_member::reload() {
  try {
    auto models =
        find_models(shared_->files, process_surroundings(entry_names()));
    log_event(log_level::info, "reloaded", {{"models", models.size()}});
    std::lock_guard lock{shared_->mutex};
    shared_->models = std::move(models);
    shared_->has_news = true;
  } catch (const config_error& problem) {
    log_event(log_level::error, "not_reloaded",
              {{"reason", std::string{problem.what()}}});
  }
}

cluster_member::~cluster_member() {
  {
    std::lock_guard lock{shared_->mutex};
    shared_->is_over = true;
  }
  shared_->changed.notify_all();
  shared_->thread.join();
}

} // namespace model_server
