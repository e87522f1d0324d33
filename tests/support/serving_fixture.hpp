// Tests of all actors together: a gateway, models by script, replies.
#pragma once

#include "actors/gateway.hpp"
#include "actors/reply.hpp"
#include "actors/request_history.hpp"
#include "actors/supervisor.hpp"
#include "actors/thread_node.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/recording_writer.hpp"
#include "tests/support/scripted_entry.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// A request on its way: the actor, and what its client got so far.
struct running_reply {
  reply_actor actor;
  std::shared_ptr<transcript> client;
};

/// A server of scripted models on a CPU and three virtual devices.
class serving_fixture : public actor_fixture {
protected:
  serving_fixture() {
    serving.batch_size = 4;
    serving.max_queued = 100;
  }

  ~serving_fixture() override {
    supervisors.clear();
    if (door)
      caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(telemetry.history, caf::exit_reason::user_shutdown);
    run();
  }

  // A worker whose model takes for ever to load.
  static worker_actor::behavior_type sleeping_worker(worker_actor::pointer self,
                                                     const worker_options&) {
    auto asleep = caf::error{caf::sec::unexpected_message};
    return {
        [=](load_atom, const load_watcher&) -> caf::result<worker_ready> {
          return self->make_response_promise<worker_ready>();
        },
        [=](const submit&, const token_sink&) -> caf::result<admitted> {
          return asleep;
        },
        [=](const tokenize&) -> caf::result<tokenized> { return asleep; },
        [=](const detokenize&) -> caf::result<detokenized> { return asleep; },
        [](const credit&) {},
        [](const cancel&) {},
        [=](hand_over_atom) -> caf::result<std::uint32_t> { return asleep; },
        [=](finish_atom) -> caf::result<caf::ok_atom> { return asleep; },
        [](const end_replies&) {},
        [](shed_atom) {},
        [](step_atom) {},
    };
  }

  // A worker that hangs once it has taken a reply.
  static worker_actor::behavior_type hung_worker(worker_actor::pointer self,
                                                 const worker_options& how) {
    return {
        [=](load_atom, const load_watcher&) {
          return worker_ready{how.incarnation, 1000, true, 0};
        },
        [=](const submit&, const token_sink&) {
          return admitted{how.incarnation, how.device, 3};
        },
        [=](const tokenize&) -> caf::result<tokenized> {
          return self->make_response_promise<tokenized>();
        },
        [=](const detokenize&) -> caf::result<detokenized> {
          return self->make_response_promise<detokenized>();
        },
        [](const credit&) {},
        [](const cancel&) {},
        [=](hand_over_atom) -> caf::result<std::uint32_t> {
          return self->make_response_promise<std::uint32_t>();
        },
        [=](finish_atom) -> caf::result<caf::ok_atom> {
          return self->make_response_promise<caf::ok_atom>();
        },
        [](const end_replies&) {},
        [](shed_atom) {},
        [](step_atom) {},
    };
  }

  /// Starts the first supervisor of a model, which follows `plans[name]`.
  served_model start_model(const model_setting& model) {
    supervisor_options options;
    options.model = model;
    options.serving = serving;
    options.node_name = "here";
    options.node = node;
    options.figures = telemetry.figures;
    options.list_devices = [this] { return devices; };
    options.estimate_memory = [this](const model_setting& asked) {
      return bytes_of[asked.name];
    };
    auto start = [this, options] { return system.spawn(supervisor, options); };
    supervisors[model.name] = start();
    return {model.name, supervisors[model.name], start};
  }

  /// The setting of a model of this name, as if it stood in config.json.
  static model_setting setting_of(const std::string& name) {
    model_setting result;
    result.name = name;
    result.entry = "scripted";
    return result;
  }

  /// Starts the node that the workers run on, as actors of the test's thread.
  void start_node() {
    thread_node_options options;
    options.make_entry = [this](const start_worker& order, const load_watch&) {
      if (!fail_loading.empty())
        throw std::runtime_error(fail_loading);
      return std::make_unique<scripted_entry>(plans.at(order.ticket.model));
    };
    options.spawn_worker = [this](caf::actor_system& where,
                                  worker_options how) {
      workers.push_back(hold_loading
                            ? where.spawn(sleeping_worker, std::move(how))
                        : hang ? where.spawn(hung_worker, std::move(how))
                               : where.spawn(worker, std::move(how)));
      return workers.back();
    };
    node = system.spawn(thread_node, std::move(options));
    if (stand_before)
      node = stand_before(node);
  }

  /// Starts the gateway of these models.
  void
  open(std::vector<std::pair<std::string, std::shared_ptr<script>>> models) {
    std::vector<model_setting> settings;
    for (auto& [name, plan] : models) {
      plans[name] = plan;
      settings.push_back(setting_of(name));
    }
    open_models(settings);
  }

  /// The same of models that have a plan.
  void open_models(const std::vector<model_setting>& models) {
    if (door)
      caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
    start_node();
    gateway_options options;
    options.node = node;
    options.start_model = [this](const model_setting& model) {
      return start_model(model);
    };
    options.memory.node_name = "here";
    options.memory.list_devices = [this] { return devices; };
    options.memory.cpu_memory = cpu_memory;
    options.memory.cpu_reserve = cpu_reserve;
    options.gauge = gauge;
    options.devices = {"cpu"};
    supervisors.clear();
    for (const auto& model : models)
      options.models.push_back(start_model(model));
    door = system.spawn(gateway, std::move(options));
    in_force = models;
  }

  /// Has these models in force from now on.
  reload_plan reload(const std::vector<model_setting>& wanted) {
    auto plan = plan_reload(in_force, wanted);
    ask<caf::ok_atom>(door, plan);
    in_force = wanted;
    return plan;
  }

  /// Adds an entity and waits until it serves.
  device_report add(const std::string& model, const std::string& device = "") {
    return ask<device_report>(door, add_device{model, device, true});
  }

  /// Options of a reply to one turn of a conversation.
  reply_options asking(const std::string& model, const std::string& turn) {
    reply_options options;
    options.gateway = door;
    options.request.id = ++last_request;
    options.names.public_id = "request-" + std::to_string(last_request);
    options.names.reply_id = "call-" + std::to_string(last_request);
    options.telemetry = telemetry;
    options.request.model = model;
    options.request.prompt.conversation = says(turn);
    return options;
  }

  /// Starts a reply; nothing moves before `run`.
  running_reply start(reply_options options, bool reports_progress = false) {
    running_reply result;
    result.client = std::make_shared<transcript>();
    result.client->reports_progress = reports_progress;
    result.actor =
        spawn_reply(system, std::move(options),
                    std::make_unique<recording_writer>(result.client));
    return result;
  }

  running_reply start(const std::string& model, const std::string& turn) {
    return start(asking(model, turn));
  }

  /// A reply that waits for its client after so many tokens.
  running_reply start_slow(const std::string& model, std::uint32_t credit = 2) {
    auto options = asking(model, "hello");
    options.credit = credit;
    auto result = start(std::move(options), true);
    run();
    return result;
  }

  /// Its client takes six tokens, two at a time.
  void take_all(const running_reply& reply) {
    for (std::uint64_t taken : {2, 4, 6}) {
      caf::anon_send(reply.actor, written{taken});
      run();
    }
  }

  /// Ends a worker as a crash would.
  void kill(const worker_actor& victim) {
    caf::anon_send_exit(victim, caf::exit_reason::kill);
  }

  model_status status_of(const std::string& model) {
    for (auto& item : ask<server_status>(door, get_status{}).models)
      if (item.name == model)
        return item;
    return {};
  }

  /// Of supervisors that are opened after a change.
  serving_settings serving;
  std::vector<device_info> devices{{"cpu", false, 0},
                                   {"virtual:0", false, 0},
                                   {"virtual:1", false, 0},
                                   {"virtual:2", false, 0}};
  /// What each model needs, and what models on the CPU may take together; 0 is
  /// unknown.
  std::map<std::string, std::uint64_t> bytes_of;
  std::uint64_t cpu_memory = 0;
  std::uint64_t cpu_reserve = 0;
  /// As the last `open` or `reload` had them.
  std::vector<model_setting> in_force;
  /// Every worker that was started, in order.
  std::vector<worker_actor> workers;
  /// Entries don't load, for this reason.
  std::string fail_loading;
  /// New workers never come to be ready.
  bool hold_loading = false;
  /// New workers take replies, and then nothing more.
  bool hang = false;
  telemetry_sinks telemetry{
      std::make_shared<figures>(),
      system.spawn(request_history, request_history_options{})};
  std::shared_ptr<memory_gauge> gauge = std::make_shared<memory_gauge>();
  gateway_actor door;
  node_actor node;
  /// Puts an actor of the test's between supervisors and node; may be null.
  std::function<node_actor(const node_actor&)> stand_before;
  /// The first ones, by model.
  std::map<std::string, supervisor_actor> supervisors;
  /// By model.
  std::map<std::string, std::shared_ptr<script>> plans;
  request_id last_request = 0;
};

} // namespace model_server
