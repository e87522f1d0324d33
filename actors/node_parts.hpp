// What the two kinds of nodes, and a worker's process, share.
#pragma once

#include "actors/worker.hpp"
#include "config/settings.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

namespace model_server {

/// The started worker of this model and incarnation; null if there is none.
template <class Workers>
auto* find_worker(Workers& workers, std::string_view model,
                  std::uint64_t incarnation) {
  auto found = std::ranges::find_if(workers, [&](const auto& item) {
    return item.model == model && item.incarnation == incarnation;
  });
  return found == workers.end() ? nullptr : &*found;
}

/// The setting of a model. Throws `config_error` if this machine has none.
const model_setting& model_of(const settings& config, std::string_view name);

/// Threads for computing, all workers of this machine together.
unsigned computing_threads(const serving_settings& serving);

/// What an order says of the worker to start. `threads` is used where the
/// device computes on cores; entry and page are left to the caller.
worker_options options_for(const start_worker& order,
                           std::shared_ptr<thread_budget> threads);

} // namespace model_server
