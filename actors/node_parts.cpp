// What the two kinds of nodes, and a worker's process, share.
#include "actors/node_parts.hpp"

#include "config/quote.hpp"
#include "models/cores.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

const model_setting& model_of(const settings& config, std::string_view name) {
  auto found = std::ranges::find(config.models, name, &model_setting::name);
  if (found == config.models.end())
    throw config_error(fmt::format("there is no model {} here", quote(name)));
  return *found;
}

unsigned computing_threads(const serving_settings& serving) {
  return serving.threads ? serving.threads
                         : static_cast<unsigned>(usable_cores());
}

worker_options options_for(const start_worker& order,
                           std::shared_ptr<thread_budget> threads) {
  worker_options result;
  result.incarnation = order.ticket.incarnation;
  result.device = order.shown_device;
  result.batch_size = order.batch_size;
  result.queue = order.queue;
  if (!order.device.starts_with("cuda"))
    result.threads = std::move(threads);
  return result;
}

} // namespace model_server
