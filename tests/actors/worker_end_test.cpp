// How a worker begins and ends, by a fault or when it is told to.
#include "tests/actors/worker_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class worker_end_test : public worker_fixture {};

} // namespace

TEST_F(worker_end_test, tells_what_it_has_loaded) {
  subject = system.spawn(worker, options);
  auto ready = ask<worker_ready>(subject, load_atom::value, watcher);
  EXPECT_EQ(ready.incarnation, 7u);
  EXPECT_EQ(ready.context_length, 1000u);
}

TEST_F(worker_end_test, tells_how_far_it_has_come_but_not_too_often) {
  auto told = std::make_shared<std::vector<load_progress>>();
  auto behave = [](load_watcher::pointer,
                   std::shared_ptr<std::vector<load_progress>> log)
      -> load_watcher::behavior_type {
    return {
        [](const worker_load&) {},
        [=](const load_progress& progress) { log->push_back(progress); },
    };
  };
  watcher = system.spawn(behave, told);
  options.make_entry = [this](const load_watch& watch) {
    for (auto part = 1; part <= 10; ++part) {
      scheduler.advance_time(std::chrono::milliseconds{200});
      watch(part / 10.0);
    }
    return std::make_unique<scripted_entry>(plan);
  };
  load();
  EXPECT_THAT(*told, ElementsAre(load_progress{7, 0.3}, load_progress{7, 0.6},
                                 load_progress{7, 0.9}));
  caf::anon_send_exit(watcher, caf::exit_reason::user_shutdown);
}

TEST_F(worker_end_test, says_why_it_cannot_load_and_ends) {
  options.make_entry = [](const load_watch&) -> std::unique_ptr<model_entry> {
    throw std::runtime_error("no such file: model.safetensors");
  };
  subject = system.spawn(worker, options);
  auto refused = ask_failure<worker_ready>(subject, load_atom::value, watcher);
  EXPECT_EQ(refused.code, errc::load_failed);
  EXPECT_EQ(refused.message, "no such file: model.safetensors");
  EXPECT_FALSE(begin_ask<worker_ready>(subject, load_atom::value, watcher)
                   ->value.has_value());
}

TEST_F(worker_end_test, a_failure_ends_one_reply_alone) {
  plan->before_token = [](const std::string& turn, std::size_t number) {
    return turn == "a" && number == 3 ? "not a number among the scores" : "";
  };
  load();
  auto a = send("a"), b = send("b");
  run();
  ASSERT_THAT(a.got->failures, SizeIs(1));
  EXPECT_EQ(a.got->failures[0],
            (reply_failed{
                a.id,
                7,
                {errc::model_failed, "not a number among the scores", "", 0}}));
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
}

TEST_F(worker_end_test, an_exception_ends_the_worker_with_its_text) {
  plan->before_token = [](const std::string&, std::size_t) -> std::string {
    throw std::runtime_error("device lost");
  };
  load();
  caf::error reason;
  auto watch = [&](caf::event_based_actor* self, const worker_actor& whom) {
    self->monitor(whom);
    self->set_down_handler(
        [&](caf::down_msg& down) { reason = std::move(down.reason); });
    return caf::behavior{[](int) {}};
  };
  auto onlooker = system.spawn(watch, subject);
  send("a");
  run();
  EXPECT_EQ(to_failure(reason).code, errc::model_failed) << describe(reason);
  EXPECT_EQ(to_failure(reason).message, "device lost");
}

TEST_F(worker_end_test, leaves_behind_who_was_in_the_step_that_broke) {
  plan->before_token = [](const std::string&, std::size_t number) {
    if (number == 2)
      throw std::runtime_error("device lost");
    return "";
  };
  load();
  auto a = send("a"), b = send("b"), c = send("c");
  run();
  EXPECT_THAT(options.page->batch(),
              ElementsAre(step_place{a.id, 1}, step_place{b.id, 1}));
}

TEST_F(worker_end_test, leaves_nobody_behind_between_two_steps) {
  load();
  send("a", 1);
  run();
  EXPECT_THAT(options.page->batch(), IsEmpty());
  EXPECT_FALSE(options.page->running());
}

TEST_F(worker_end_test, tells_since_when_a_step_runs_and_what_is_usual) {
  using namespace std::chrono_literals;
  std::vector<worker_page::running_step> seen;
  std::vector<worker_page::time_point> begun;
  plan->before_token = [&](const std::string&, std::size_t number) {
    begun.push_back(system.clock().now());
    seen.push_back(options.page->running().value());
    scheduler.advance_time(number * 100ms);
    return "";
  };
  plan->vocabulary = 5;
  load();
  send("a", 3);
  run();
  ASSERT_THAT(seen, SizeIs(3));
  for (std::size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i].since, begun[i]);
  EXPECT_EQ(seen[0].usual, 0ns);
  EXPECT_EQ(seen[1].usual, 100ms);
  EXPECT_EQ(seen[2].usual, 200ms);
}

TEST_F(worker_end_test, knows_nothing_usual_of_models_without_scores) {
  using namespace std::chrono_literals;
  std::vector<worker_page::running_step> seen;
  plan->before_token = [&](const std::string&, std::size_t) {
    seen.push_back(options.page->running().value());
    return "";
  };
  load();
  send("a", 2);
  run();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[1].usual, 0ns);
}

TEST_F(worker_end_test, leaves_behind_whose_chat_broke_the_model) {
  load();
  send("a", 1);
  run();
  plan->before_encode = [](const chat&) { throw 42; };
  auto b = send("b");
  run();
  EXPECT_THAT(options.page->batch(), ElementsAre(step_place{b.id, 0}));
}

TEST_F(worker_end_test, asked_to_load_again_tells_a_new_watcher_its_load) {
  load();
  send("a", 1);
  run();
  auto loads = std::make_shared<std::vector<worker_load>>();
  auto behave = [=](load_watcher::pointer, int) -> load_watcher::behavior_type {
    return {[=](const worker_load& load) { loads->push_back(load); },
            [](const load_progress&) {}};
  };
  watcher = system.spawn(behave, 0);
  auto ready = ask<worker_ready>(subject, load_atom::value, watcher);
  EXPECT_EQ(ready.incarnation, 7u);
  ASSERT_THAT(*loads, SizeIs(1));
  EXPECT_EQ(loads->back().running, 1u);
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
}

TEST_F(worker_end_test, a_chat_that_breaks_the_model_is_told_so) {
  plan->before_encode = [](const chat&) { throw 42; };
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(a.answer->failed->code, errc::worker_lost);
  auto after = send("b");
  run();
  EXPECT_TRUE(after.answer->error); // the worker is gone
}

TEST_F(worker_end_test, hands_over_running_and_waiting_replies) {
  load();
  auto a = send("a", 1), b = send("b", 1), c = send("c", 1);
  run();
  EXPECT_EQ(ask<std::uint32_t>(subject, hand_over_atom::value), 3u);
  for (const auto* item : {&a, &b, &c}) {
    ASSERT_THAT(item->got->moves, SizeIs(1));
    EXPECT_EQ(item->got->moves[0], (moved{item->id, 7}));
  }
  auto late = send("d");
  run();
  ASSERT_TRUE(late.answer->failed);
  EXPECT_EQ(late.answer->failed->code, errc::model_loading);
}

TEST_F(worker_end_test, answers_finish_when_the_last_reply_has_ended) {
  load();
  auto a = send("a", 1);
  run();
  auto finished = begin_ask<caf::ok_atom>(subject, finish_atom::value);
  run();
  EXPECT_FALSE(finished->has_come());
  caf::anon_send(subject, credit{a.id, no_limit});
  run();
  EXPECT_TRUE(finished->value);
  EXPECT_EQ(a.got->text(), "1 2 3 4");
}

TEST_F(worker_end_test, ends_all_replies_when_told) {
  load();
  auto a = send("a", 1), b = send("b", 1), c = send("c", 0);
  run();
  auto finished = begin_ask<caf::ok_atom>(subject, finish_atom::value);
  run();
  auto reason = failure{errc::shutting_down, "enough", "", 0};
  caf::anon_send(subject, end_replies{reason});
  run();
  EXPECT_TRUE(finished->value);
  for (const auto* item : {&a, &b, &c}) {
    ASSERT_THAT(item->got->failures, SizeIs(1));
    EXPECT_EQ(item->got->failures[0].reason, reason);
  }
}

} // namespace model_server
