// One entity: a model on a device, as its supervisor keeps it.
#include "actors/entity.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

entity_status entity::status(const std::string& node) const {
  auto shown = is_leaving ? entity_state::leaving : state;
  return {device,       node,         shown,
          load.running, load.waiting, load.tokens_per_second,
          restarts,     reason};
}

void entity::crashed(std::string why, time_point now,
                     std::chrono::milliseconds first,
                     std::chrono::milliseconds most) {
  auto served_well = state == entity_state::ready && now - ready_since >= most;
  auto starts_anew = pause.count() == 0 || served_well;
  pause = std::min(starts_anew ? first : pause * 2, most);
  restart_at = now + pause;
  state = entity_state::restarting;
  reason = std::move(why);
  worker = nullptr;
  load = {};
  submits = 0;
  ++restarts;
}

} // namespace model_server
