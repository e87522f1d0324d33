// Compares two lists of models.
#include "actors/reload_plan.hpp"

#include <algorithm>

namespace model_server {

namespace {

bool are_the_same(const model_setting& a, const model_setting& b) {
  return have_same_worker(a, b) && a.load == b.load
         && a.keep_alive == b.keep_alive;
}

} // namespace

bool have_same_worker(const model_setting& a, const model_setting& b) {
  return a.entry == b.entry && a.params == b.params
         && a.batch_size == b.batch_size;
}

reload_plan plan_reload(const std::vector<model_setting>& in_force,
                        const std::vector<model_setting>& wanted) {
  reload_plan result;
  for (const auto& model : wanted) {
    result.order.push_back(model.name);
    auto known = std::ranges::find(in_force, model.name, &model_setting::name);
    if (known == in_force.end())
      result.added.push_back(model);
    else if (are_the_same(*known, model))
      result.unchanged.push_back(model.name);
    else
      result.changed.push_back(model);
  }
  for (const auto& model : in_force)
    if (std::ranges::count(result.order, model.name) == 0)
      result.removed.push_back(model.name);
  return result;
}

} // namespace model_server
