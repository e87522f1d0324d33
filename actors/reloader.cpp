// The reloader actor: reads config.json and the models folder again.
#include "actors/reloader.hpp"

#include "config/logging.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <caf/typed_response_promise.hpp>

#include <string>
#include <utility>

namespace model_server {

namespace {

using reloader_pointer = reloader_actor::stateful_pointer<reloader_state>;

std::vector<std::string> names_of(const std::vector<model_setting>& models) {
  std::vector<std::string> result;
  for (const auto& model : models)
    result.push_back(model.name);
  return result;
}

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

caf::error refuse(const std::string& why) {
  log_event(log_level::error, "not_reloaded", {{"reason", why}});
  return to_error({errc::bad_config, why, "", 0});
}

// A new or changed model whose params are wrong is a wrong file, whether or not
// anybody has needed the model yet.
void check_models(const reloader_options& options, const reload_plan& plan) {
  for (const auto* models : {&plan.added, &plan.changed})
    for (const auto& model : *models) {
      try {
        options.check(model);
      } catch (const config_error& problem) {
        throw config_error(
            fmt::format("model {}: {}", model.name, problem.what()));
      }
    }
}

caf::result<reload_report> reload(reloader_pointer self) {
  auto& options = self->state.options;
  std::vector<model_setting> wanted;
  reload_plan plan;
  try {
    wanted = options.read();
    plan = plan_reload(options.models, wanted);
    check_models(options, plan);
  } catch (const std::exception& problem) {
    return refuse(problem.what());
  }
  auto promise = self->make_response_promise<reload_report>();
  reload_report report{names_of(plan.added), plan.removed,
                       names_of(plan.changed), plan.unchanged};
  self->request(options.gateway, caf::infinite, std::move(plan))
      .await(
          [=](caf::ok_atom) mutable {
            self->state.options.models = wanted;
            log_event(log_level::info, "reloaded",
                      {{"added", listed(report.added)},
                       {"removed", listed(report.removed)},
                       {"changed", listed(report.changed)},
                       {"unchanged", report.unchanged.size()}});
            promise.deliver(report);
          },
          [=](caf::error& why) mutable {
            auto reason = describe(why);
            log_event(log_level::error, "not_reloaded", {{"reason", reason}});
            promise.deliver(std::move(why));
          });
  return promise;
}

} // namespace

reloader_actor::behavior_type reloader(reloader_pointer self,
                                       reloader_options options) {
  self->state.options = std::move(options);
  return {[self](reload_models) { return reload(self); }};
}

} // namespace model_server
