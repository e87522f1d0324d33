// A configuration that changes under running replies.
#include "actors/reloader.hpp"
#include "tests/actors/lifecycle_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class reload_test : public lifecycle_fixture {
protected:
  reload_test() {
    open_models({manual("m"), manual("other")});
  }

  model_setting manual(const std::string& name) {
    auto result = on_demand(name);
    result.load.reset();
    return result;
  }

  // The same model with another setting, that says `a b c`.
  model_setting changed(const std::string& name) {
    auto plan = std::make_shared<script>();
    plan->replies["hello"] = {"a", " b", " c"};
    plans[name] = plan;
    auto result = setting_of(name);
    result.params.values.emplace_back("path", "elsewhere");
    return result;
  }

  std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& model : ask<server_status>(door, get_status{}).models)
      result.push_back(model.name);
    return result;
  }
};

} // namespace

// -- models come and go -------------------------------------------------------

TEST_F(reload_test, a_new_model_can_be_added_and_is_where_the_file_has_it) {
  reload({manual("new"), in_force[0], in_force[1]});
  EXPECT_THAT(names(), ElementsAre("new", "m", "other"));
  EXPECT_EQ(state_of("new"), model_state::inactive);
  add("new");
  EXPECT_EQ(call("new"), whole);
}

TEST_F(reload_test, a_removed_model_finishes_its_replies_and_takes_no_more) {
  add("m", "cpu");
  add("m", "virtual:0");
  auto reply = start_slow("m"), second = start_slow("m");
  reload({in_force[1]});
  EXPECT_EQ(call("m"), "model_not_found");
  EXPECT_EQ(ask_failure<device_report>(door, add_device{"m", "", true}).code,
            errc::model_not_found);
  EXPECT_TRUE(status_of("m").is_removed);
  take_all(reply);
  EXPECT_THAT(names(), ElementsAre("other", "m"));
  take_all(second);
  EXPECT_EQ(outcome(reply), whole);
  EXPECT_EQ(outcome(second), whole);
  EXPECT_THAT(names(), ElementsAre("other"));
}

TEST_F(reload_test, a_removed_model_ends_its_replies_at_the_drain_limit) {
  serving.drain_timeout = 2s;
  open_models({manual("m")});
  add("m");
  auto reply = start_slow("m");
  reload({});
  advance(1990ms);
  EXPECT_EQ(outcome(reply), "waits");
  advance(10ms);
  EXPECT_EQ(outcome(reply), "model_not_found");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(reload_test, whoever_waits_for_a_removed_model_hears_of_it) {
  auto lazy = on_demand("lazy");
  reload({lazy});
  held->holds_starts = true;
  auto reply = start("lazy", "hello");
  run();
  reload({});
  EXPECT_EQ(outcome(reply), "model_not_found");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(reload_test, a_model_that_comes_back_while_it_goes_serves_again) {
  add("m", "cpu");
  auto reply = start_slow("m");
  auto settings = in_force;
  reload({settings[1]});
  reload(settings);
  EXPECT_THAT(names(), ElementsAre("m", "other"));
  EXPECT_FALSE(status_of("m").is_removed);
  add("m", "virtual:0");
  EXPECT_EQ(call("m"), whole);
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
  EXPECT_THAT(names(), ElementsAre("m", "other"));
  EXPECT_THAT(status_of("m").entities, SizeIs(1));
}

TEST_F(reload_test, a_removed_model_goes_even_if_its_supervisor_fails) {
  add("m");
  auto reply = start_slow("m");
  reload({in_force[1]});
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  advance(1s);
  EXPECT_EQ(call("m"), "model_not_found");
  EXPECT_THAT(names(), ElementsAre("other"));
}

// -- models change ------------------------------------------------------------

TEST_F(reload_test, a_changed_model_lets_its_replies_finish_as_they_began) {
  add("m", "cpu");
  auto reply = start_slow("m");
  reload({changed("m"), in_force[1]});
  EXPECT_EQ(call("m"), "a b c");
  EXPECT_EQ(outcome(reply), "waits");
  ASSERT_THAT(status_of("m").entities, SizeIs(2));
  EXPECT_EQ(status_of("m").entities[0].state, entity_state::leaving);
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
  ASSERT_THAT(status_of("m").entities, SizeIs(1));
  EXPECT_EQ(status_of("m").entities[0].device, "cpu");
  EXPECT_THAT(workers, SizeIs(2));
}

TEST_F(reload_test, workers_are_replaced_one_after_the_other) {
  add("m", "cpu");
  add("m", "virtual:0");
  held->holds_starts = true;
  reload({changed("m"), in_force[1]});
  EXPECT_THAT(held->starts, SizeIs(1));
  EXPECT_EQ(call("m"), whole); // the old ones serve meanwhile
  release_starts();
  EXPECT_EQ(call("m"), "a b c");
  EXPECT_THAT(status_of("m").entities, SizeIs(2));
  EXPECT_THAT(workers, SizeIs(4));
}

TEST_F(reload_test, replies_move_if_the_weights_stay_the_same) {
  plans["m"]->identity = 7;
  add("m", "cpu");
  auto reply = start_slow("m");
  auto larger = in_force[0];
  larger.batch_size = 8;
  reload({larger, in_force[1]});
  ASSERT_THAT(status_of("m").entities, SizeIs(1));
  EXPECT_EQ(status_of("m").batch_size, 8u);
  EXPECT_EQ(status_of("m").entities[0].running, 1u);
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
}

TEST_F(reload_test, a_change_that_does_not_load_leaves_the_model_as_it_was) {
  add("m", "cpu");
  auto reply = start_slow("m");
  fail_loading = "no weights";
  reload({changed("m"), in_force[1]});
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::ready);
  ASSERT_THAT(status.entities, SizeIs(1));
  EXPECT_THAT(status.entities[0].reason, HasSubstr("no weights"));
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
  // The next change is tried again.
  fail_loading.clear();
  auto mended = changed("m");
  mended.batch_size = 2;
  reload({mended, in_force[1]});
  EXPECT_EQ(call("m"), "a b c");
  EXPECT_EQ(status_of("m").entities.at(0).reason, "");
}

TEST_F(reload_test, no_reply_goes_on_with_another_model) {
  add("m", "cpu");
  auto reply = start_slow("m");
  reload({changed("m"), in_force[1]});
  kill(workers.front());
  advance(40s);
  EXPECT_EQ(outcome(reply), "worker_lost");
  EXPECT_EQ(reply.client->text, "1 2");
  EXPECT_EQ(call("m"), "a b c");
}

TEST_F(reload_test, what_loads_meanwhile_loads_the_new_setting) {
  held->holds_starts = true;
  auto adding = begin_ask<device_report>(door, add_device{"m", "cpu", true});
  run();
  reload({changed("m"), in_force[1]});
  release_starts();
  EXPECT_TRUE(adding->value);
  EXPECT_EQ(call("m"), "a b c");
  EXPECT_THAT(workers, SizeIs(1));
}

TEST_F(reload_test, an_idle_model_of_a_call_leaves_and_comes_back_changed) {
  reload({on_demand("lazy")});
  EXPECT_EQ(call("lazy"), whole);
  auto other = changed("lazy");
  other.load = load_mode::on_demand;
  reload({other});
  EXPECT_EQ(state_of("lazy"), model_state::inactive);
  EXPECT_EQ(call("lazy"), "a b c");
}

TEST_F(reload_test, load_and_keep_alive_change_under_a_running_worker) {
  add("m", "cpu");
  auto other = in_force[0];
  other.keep_alive = 10s;
  other.load = load_mode::on_demand;
  reload({other, in_force[1]});
  EXPECT_THAT(workers, SizeIs(1));
  EXPECT_EQ(status_of("m").keep_alive, 10'000);
  advance(10s);
  EXPECT_EQ(state_of("m"), model_state::inactive);
  EXPECT_EQ(call("m"), whole);
}

TEST_F(reload_test, a_supervisor_that_fails_keeps_what_was_changed) {
  add("m", "cpu");
  reload({changed("m"), in_force[1]});
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  run();
  add("m", "virtual:0");
  EXPECT_EQ(call("m"), "a b c");
  EXPECT_THAT(workers, SizeIs(3));
}

TEST_F(reload_test, remove_takes_the_device_and_what_would_replace_it) {
  add("m", "cpu");
  held->holds_starts = true;
  reload({changed("m"), in_force[1]});
  ASSERT_THAT(status_of("m").entities, SizeIs(2));
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_THAT(status_of("m").entities, IsEmpty());
}

// -- the reloader -------------------------------------------------------------

namespace {

class reloader_test : public reload_test {
protected:
  reloader_test() {
    reloader_options options;
    options.gateway = door;
    options.models = in_force;
    options.read = [this] {
      if (!file_error.empty())
        throw config_error(file_error);
      return file;
    };
    options.check = [this](const model_setting& model) {
      checked.push_back(model.name);
      if (!param_error.empty())
        throw config_error(param_error);
    };
    auto actor = system.spawn(reloader, options);
    caf::anon_send(door, actor);
    run();
  }

  std::vector<model_setting> file = in_force;
  std::string file_error;
  std::string param_error;
  std::vector<std::string> checked;
};

} // namespace

TEST_F(reloader_test, does_what_the_file_says_and_tells_what_that_was) {
  file = {changed("m"), manual("new")};
  auto report = ask<reload_report>(door, reload_models{});
  EXPECT_EQ(report, (reload_report{{"new"}, {"other"}, {"m"}, {}}));
  EXPECT_THAT(names(), ElementsAre("m", "new"));
  // Only what is new is looked at.
  EXPECT_THAT(checked, ElementsAre("new", "m"));
  report = ask<reload_report>(door, reload_models{});
  EXPECT_EQ(report, (reload_report{{}, {}, {}, {"m", "new"}}));
}

TEST_F(reloader_test, a_bad_file_changes_nothing_and_says_why) {
  file = {};
  file_error = "config.json, line 3: not JSON";
  auto refused = ask_failure<reload_report>(door, reload_models{});
  EXPECT_EQ(refused, (failure{errc::bad_config, file_error, "", 0}));
  EXPECT_THAT(names(), ElementsAre("m", "other"));
}

TEST_F(reloader_test, so_do_bad_params_of_a_changed_model) {
  file = {changed("m")};
  param_error = "no such folder";
  auto refused = ask_failure<reload_report>(door, reload_models{});
  EXPECT_EQ(refused.message, "model m: no such folder");
  EXPECT_THAT(names(), ElementsAre("m", "other"));
  // Nothing of it was noted.
  param_error.clear();
  EXPECT_THAT(ask<reload_report>(door, reload_models{}).removed,
              ElementsAre("other"));
}

TEST_F(reloader_test, a_server_that_stops_reloads_nothing) {
  add("m");
  auto reply = start_slow("m");
  begin_ask<std::uint32_t>(door, drain{10s});
  run();
  EXPECT_EQ(ask_failure<reload_report>(door, reload_models{}).code,
            errc::shutting_down);
  take_all(reply);
}

} // namespace model_server
