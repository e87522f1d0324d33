// The gateway actor: the one door from HTTP to the models.
#include "actors/gateway.hpp"

#include "actors/gateway_parts.hpp"
#include "actors/token_router.hpp"
#include "config/logging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace model_server {

namespace {

// Names told to a client who asks for a model that is not there.
constexpr std::size_t most_names = 10;

// -- models -------------------------------------------------------------------

// Hands a message to its model's supervisor, which answers it.
template <class Answer, class... Messages>
caf::result<Answer> pass_on(gateway_pointer self, const std::string& model,
                            Messages&&... messages) {
  const auto* found = self->state.find(model);
  if (!found)
    return to_error(self->state.unknown(model));
  return self->delegate(found->supervisor, std::forward<Messages>(messages)...);
}

// The same for messages that name it.
template <class Answer, class Message>
caf::result<Answer> ask_model(gateway_pointer self, Message& message) {
  if (self->state.is_draining)
    return to_error(is_stopping());
  auto model = message.model;
  return pass_on<Answer>(self, model, std::move(message));
}

// Asks every supervisor and answers when all have, in the order of the models.
caf::result<server_status> gather_status(gateway_pointer self) {
  struct gathering {
    server_status result;
    std::size_t missing;
    caf::typed_response_promise<server_status> promise;
  };
  const auto& models = self->state.options.models;
  auto gathered = std::make_shared<gathering>();
  gathered->result.nodes = self->state.node_list();
  gathered->result.draining = self->state.is_draining;
  if (models.empty())
    return gathered->result;
  gathered->result.models.resize(models.size());
  gathered->missing = models.size();
  gathered->promise = self->make_response_promise<server_status>();
  auto arrived = [gathered] {
    if (--gathered->missing == 0)
      gathered->promise.deliver(std::move(gathered->result));
  };
  for (std::size_t i = 0; i < models.size(); ++i) {
    gathered->result.models[i].name = models[i].name;
    self->request(models[i].supervisor, caf::infinite, get_status{})
        .then(
            [=](model_status& status) {
              gathered->result.models[i] = std::move(status);
              arrived();
            },
            [=](const caf::error&) { arrived(); });
  }
  return gathered->promise;
}

// -- replies ------------------------------------------------------------------

void schedule_pulse(gateway_pointer self) {
  auto& state = self->state;
  if (std::exchange(state.pulse_is_due, true))
    return;
  self->delayed_send(self, state.options.pulse, pulse_atom::value);
}

void beat(gateway_pointer self) {
  auto& state = self->state;
  state.pulse_is_due = false;
  for (const auto& [address, sink] : state.open_replies)
    self->send(sink, pulse_atom::value);
  if (!state.open_replies.empty())
    schedule_pulse(self);
}

// Why a request that is new gets no answer from any model now.
std::optional<failure> refusal(const gateway_state& state,
                               const submit& order) {
  if (order.resumed || order.has_right_of_way)
    return std::nullopt;
  if (state.is_draining)
    return is_stopping();
  if (state.options.gauge->refuses_requests() && !order.is_promised)
    return failure{errc::low_memory,
                   "the server is short of memory and takes no new requests",
                   "", 5};
  return std::nullopt;
}

caf::result<admitted> admit(gateway_pointer self, submit& order,
                            reply_actor& sink) {
  auto& state = self->state;
  if (auto why = refusal(state, order))
    return to_error(*why);
  if (!state.find(order.request.model))
    return to_error(state.unknown(order.request.model));
  if (state.open_replies.emplace(sink.address(), sink).second)
    self->monitor(sink);
  schedule_pulse(self);
  auto model = order.request.model;
  return pass_on<admitted>(self, model, std::move(order), std::move(sink));
}

// -- machines -----------------------------------------------------------------

caf::result<caf::ok_atom> take_node(gateway_pointer self,
                                    const node_here& hello,
                                    const node_actor& node) {
  auto& state = self->state;
  // A slash parts a node's name from its device's.
  if (hello.name == state.options.node_name
      || hello.name.find('/') != std::string::npos)
    return to_error(state.name_in_use(hello.name));
  auto [known, is_new] =
      state.nodes.emplace(hello.name, known_node{hello, node});
  if (known->second.node != node)
    return to_error(state.name_in_use(hello.name));
  known->second.hello = hello;
  if (is_new) {
    self->monitor(node);
    log_event(log_level::info, "node_joined",
              {{"node", hello.name},
               {"devices", hello.devices.size()},
               {"models", hello.models.size()}});
  }
  for (const auto& model : state.options.models)
    self->send(model.supervisor, hello, node);
  return caf::ok_atom::value;
}

// -- the end ------------------------------------------------------------------

void answer_drain(gateway_pointer self) {
  auto& state = self->state;
  if (!state.open_replies.empty())
    return;
  for (auto& promise : std::exchange(state.drained, {}))
    promise.deliver(state.cut_replies);
}

caf::result<std::uint32_t> begin_drain(gateway_pointer self,
                                       const drain& order) {
  auto& state = self->state;
  log_event(log_level::info, "draining",
            {{"open_replies", state.open_replies.size()},
             {"limit_ms", order.limit.count()}});
  state.is_draining = true;
  auto promise = self->make_response_promise<std::uint32_t>();
  state.drained.push_back(promise);
  for (const auto& model : state.options.models)
    self->send(model.supervisor, order);
  self->delayed_send(self, order.limit, tick_atom::value);
  answer_drain(self);
  return promise;
}

// The drain limit has passed: the rest is told to end, which they do at once.
void cut_off(gateway_pointer self) {
  auto& state = self->state;
  if (state.drained.empty())
    return;
  state.cut_replies += static_cast<std::uint32_t>(state.open_replies.size());
  for (const auto& [address, sink] : state.open_replies)
    self->send(sink, stop_reply{is_stopping()});
}

} // namespace

std::vector<node_status> gateway_state::node_list() const {
  std::vector<node_status> result{{options.node_name, options.devices}};
  for (const auto& [node, known] : nodes) {
    auto& other = result.emplace_back(node_status{node, {}});
    for (const auto& device : known.hello.devices)
      other.devices.push_back(device.name);
  }
  return result;
}

const served_model* gateway_state::find(const std::string& model) const {
  for (const auto& known : options.models)
    if (known.name == model && !known.is_removed)
      return &known;
  return nullptr;
}

served_model* gateway_state::find_any(const std::string& model) {
  auto found = std::ranges::find(options.models, model, &served_model::name);
  return found == options.models.end() ? nullptr : &*found;
}

void gateway_state::sort_models(const std::vector<std::string>& order) {
  std::ranges::stable_sort(options.models, {}, [&](const auto& model) {
    return std::ranges::find(order, model.name) - order.begin();
  });
}

failure gateway_state::name_in_use(const std::string& node) const {
  return {errc::name_in_use,
          fmt::format("a machine called '{}' is in the cluster already", node),
          "", 0};
}

failure gateway_state::unknown(const std::string& model) const {
  std::string names;
  std::size_t count = 0;
  for (const auto& known : options.models)
    if (!known.is_removed && ++count <= most_names)
      names += (count == 1 ? "" : ", ") + known.name;
  if (names.empty())
    names = "none";
  if (count > most_names)
    names += fmt::format(" and {} more", count - most_names);
  return {errc::model_not_found,
          fmt::format("there is no model '{}'; there are: {}", model, names),
          "", 0};
}

gateway_actor::behavior_type gateway(gateway_pointer self,
                                     gateway_options options) {
  self->state.options = std::move(options);
  self->state.router =
      self->spawn<caf::linked>(route_tokens, token_router_options{});
  self->state.memory = self->spawn<caf::linked>(
      memory_keeper, gateway_actor{self}, self->state.options.memory);
  for (const auto& model : self->state.options.models)
    introduce(self, model);
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& state = self->state;
    if (state.open_replies.erase(down.source) > 0)
      return answer_drain(self);
    for (auto& model : state.options.models)
      if (model.supervisor == down.source)
        replace_supervisor(self, model, down.reason);
    std::erase_if(state.nodes, [&](const auto& item) {
      auto is_lost = item.second.node == down.source;
      if (is_lost)
        log_event(log_level::warning, "node_lost",
                  {{"node", item.first}, {"reason", describe(down.reason)}});
      return is_lost;
    });
  });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (const auto& model : self->state.options.models)
      self->send_exit(model.supervisor, exit.reason);
    if (self->state.options.node)
      self->send_exit(self->state.options.node, exit.reason);
    if (self->state.reloader)
      self->send_exit(self->state.reloader, exit.reason);
    self->quit(exit.reason);
  });
  return {
      [self](submit& order, reply_actor& sink) {
        return admit(self, order, sink);
      },
      [self](tokenize& question) {
        return ask_model<tokenized>(self, question);
      },
      [self](detokenize& question) {
        return ask_model<detokenized>(self, question);
      },
      [self](add_device& order) {
        return ask_model<device_report>(self, order);
      },
      [self](remove_device& order) {
        return ask_model<device_report>(self, order);
      },
      [self](activate_model& order) {
        return ask_model<device_report>(self, order);
      },
      [self](unload_model& order) -> caf::result<bool> {
        auto model = order.model;
        return pass_on<bool>(self, model, std::move(order));
      },
      [self](get_status) { return gather_status(self); },
      [self](reload_models order) -> caf::result<reload_report> {
        if (self->state.is_draining || !self->state.reloader)
          return to_error(is_stopping());
        return self->delegate(self->state.reloader, order);
      },
      [self](const reload_plan& plan) { return change_models(self, plan); },
      [self](const reloader_actor& reloader) {
        self->state.reloader = reloader;
      },
      [self](const drain& order) { return begin_drain(self, order); },
      [self](const worker_here& hello, const worker_actor& worker) {
        if (const auto* found = self->state.find(hello.ticket.model))
          self->send(found->supervisor, hello, worker);
      },
      [self](const node_here& hello, const node_actor& node) {
        return take_node(self, hello, node);
      },
      [self](shed_atom shed) {
        for (const auto& model : self->state.options.models)
          self->send(model.supervisor, shed);
      },
      [self](reclaim_atom reclaim) { self->send(self->state.memory, reclaim); },
      [](flush_atom) { return caf::ok_atom::value; },
      [self](tick_atom) { cut_off(self); },
      [self](pulse_atom) { beat(self); },
  };
}

} // namespace model_server
