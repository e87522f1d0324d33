// What a new list of models changes. Pure.
#pragma once

#include "config/settings.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <string>
#include <vector>

namespace model_server {

/// What is to be done so that the models in force become those that are wanted.
struct reload_plan {
  std::vector<model_setting> added;
  std::vector<std::string> removed;
  /// As they are wanted.
  std::vector<model_setting> changed;
  std::vector<std::string> unchanged;
  /// All that are wanted, for the status.
  std::vector<std::string> order;
};

/// All models that a machine has.
struct model_list {
  std::vector<model_setting> models;
};

/// Compares by name. Start devices do not count: they are for the start.
reload_plan plan_reload(const std::vector<model_setting>& in_force,
                        const std::vector<model_setting>& wanted);

/// A worker that was started for one serves the other too.
bool have_same_worker(const model_setting& a, const model_setting& b);

} // namespace model_server

// Settings stay on the machine that has read them.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(model_server::model_setting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(model_server::model_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(model_server::reload_plan)
