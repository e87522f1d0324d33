// One scripted model behind a gateway.
#pragma once

#include "tests/support/serving_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// Holds what each test of the supervisor needs.
class supervisor_fixture : public serving_fixture {
protected:
  supervisor_fixture() {
    plan->replies["hello"] = numbered_reply(6);
    plan->replies["hi"] = numbered_reply(6);
    open({{"m", plan}});
  }

  std::vector<std::string> devices_of_m() {
    std::vector<std::string> result;
    for (const auto& item : status_of("m").entities)
      result.push_back(item.device);
    return result;
  }

  failure add_refused(const std::string& device) {
    return ask_failure<device_report>(door, add_device{"m", device, true});
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
};

} // namespace model_server
