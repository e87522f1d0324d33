// What the sources of the gateway share: the supervisors of its models.
#pragma once

#include "actors/gateway.hpp"

namespace model_server {

using gateway_pointer = gateway_actor::stateful_pointer<gateway_state>;

/// What it says once it drains.
failure is_stopping();

/// Watches a supervisor and tells it what there is.
void introduce(gateway_pointer self, const served_model& model);

/// A supervisor has failed. Its workers and replies go on meanwhile, none of
/// them needs it for a token.
void replace_supervisor(gateway_pointer self, served_model& model,
                        const caf::error& reason);

/// Takes up a new configuration.
caf::result<caf::ok_atom> change_models(gateway_pointer self,
                                        const reload_plan& plan);

} // namespace model_server
