// The administration below /api/v1, letter by letter as the contract has it.
#include "http/api_v1.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace model_server {
namespace {

using ::testing::HasSubstr;

TEST(api_v1_test, writes_the_status_of_the_contract) {
  server_status status;
  model_status model;
  model.name = "org/m";
  model.entry = "echo";
  model.state = model_state::degraded;
  model.batch_size = 8;
  entity_status entity;
  entity.device = "cpu";
  entity.node = "local";
  entity.state = entity_state::restarting;
  entity.running = 1;
  entity.waiting = 2;
  entity.tokens_per_second = std::numeric_limits<double>::quiet_NaN();
  entity.restarts = 3;
  entity.reason = "it broke";
  model.entities.push_back(entity);
  status.models.push_back(model);
  status.nodes = {{"local", {"cpu", "virtual:0"}}, {"node-b", {}}};
  EXPECT_EQ(
      status_json(status),
      R"({"models":{"org/m":{"entry":"echo","state":"degraded",)"
      R"("batch_size":8,"load":"manual","keep_alive":-1.0,)"
      R"("idle_seconds":null,"entities":[{"device":"cpu","node":"local",)"
      R"("state":"restarting","running":1,"waiting":2,)"
      R"("tokens_per_second":null,"restarts":3,"on_demand":false,)"
      R"("reason":"it broke"}]}},)"
      R"("nodes":[{"name":"local","devices":["cpu","virtual:0"]},)"
      R"({"name":"node-b","devices":[]}]})");
  EXPECT_EQ(status_json({}), R"({"models":{},"nodes":[]})");
}

TEST(api_v1_test, tells_how_far_a_model_is_loaded_and_how_exact_it_is) {
  model_status model;
  model.entities.resize(2);
  model.entities[0].state = entity_state::loading;
  model.entities[0].loaded = 0.25;
  model.entities[1].state = entity_state::ready;
  model.entities[1].loaded = 0.75;
  model.entities[1].is_exact = true;
  server_status status;
  status.models.push_back(model);
  auto json = status_json(status);
  EXPECT_THAT(json, HasSubstr(R"("on_demand":false,"progress":0.25})"));
  EXPECT_THAT(json, HasSubstr(R"("on_demand":false,"resume":"exact"})"));
}

TEST(api_v1_test, tells_how_a_model_comes_and_goes) {
  model_status model;
  model.name = "m";
  model.loads_on_demand = true;
  model.keep_alive = 90'000;
  model.idle = 1'500;
  model.is_removed = true;
  model.entities.resize(1);
  model.entities[0].is_on_demand = true;
  server_status status;
  status.models.push_back(model);
  auto json = status_json(status);
  EXPECT_THAT(json, HasSubstr(R"("load":"on_demand","keep_alive":90.0,)"
                              R"("idle_seconds":1.5,"removed":true,)"));
  EXPECT_THAT(json, HasSubstr(R"("on_demand":true)"));
}

TEST(api_v1_test, tells_what_a_reload_did) {
  EXPECT_EQ(reload_report_json({{"new"}, {"old", "org/x"}, {}, {"same"}}),
            R"({"added":["new"],"removed":["old","org/x"],"changed":[],)"
            R"("unchanged":["same"]})");
}

TEST(api_v1_test, writes_what_became_of_a_device) {
  device_report report;
  report.device = "cpu";
  report.moved_replies = 2;
  EXPECT_EQ(device_report_json(device_change::add, "m", report),
            R"({"model":"m","device":"cpu","state":"ready"})");
  EXPECT_EQ(device_report_json(device_change::remove, "m", report),
            R"({"model":"m","device":"cpu","moved_replies":2})");
  report.unchanged = true;
  EXPECT_EQ(device_report_json(device_change::activate, "m", report),
            R"({"model":"m","device":"cpu","state":"ready","unchanged":true})");
}

device_request taken(std::string_view body, bool takes_wait) {
  return std::get<device_request>(read_device_request(body, takes_wait));
}

error_reply refused(std::string_view body, bool takes_wait) {
  return std::get<error_reply>(read_device_request(body, takes_wait));
}

TEST(api_v1_test, reads_device_requests) {
  EXPECT_EQ(taken("", true), device_request{});
  EXPECT_EQ(taken("{}", false), device_request{});
  EXPECT_EQ(taken(R"({"device":null})", false), device_request{});
  EXPECT_EQ(taken(R"({"device":"cuda:0","wait":false})", true),
            (device_request{"cuda:0", false}));
}

TEST(api_v1_test, refuses_other_device_requests) {
  EXPECT_EQ(refused(R"({"device":1})", true).param, "device");
  EXPECT_EQ(refused(R"({"wait":"no"})", true).param, "wait");
  EXPECT_EQ(refused(R"({"wait":false})", false).code, "unknown_field");
  EXPECT_EQ(refused("[]", false).code, "wrong_type");
  auto long_name = R"({"device":")" + std::string(4'000'000, 'A') + "\"}";
  EXPECT_EQ(refused(long_name, true),
            bad_request("out_of_range",
                        "device has 4000000 bytes, the limit is 128",
                        "device"));
}

TEST(api_v1_test, takes_nothing_but_an_empty_body_where_nothing_is_asked) {
  EXPECT_FALSE(check_empty_body(""));
  EXPECT_FALSE(check_empty_body("{}"));
  EXPECT_EQ(check_empty_body(R"({"x":1})")->code, "unknown_field");
  EXPECT_EQ(check_empty_body("[")->code, "invalid_json");
}

} // namespace
} // namespace model_server
