// The token router: what workers make finds its reply, and the end of a reply
// its worker.
#include "tests/actors/reply_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// What a reply of the test was told, in order.
using reply_record = std::vector<std::string>;

reply_actor::behavior_type recording_reply(reply_actor::pointer self,
                                           std::shared_ptr<reply_record> log) {
  auto add = [log](const std::string& what, std::uint64_t number) {
    log->push_back(what + " " + std::to_string(number));
  };
  return {
      [=](const token_chunk& chunk) { add("chunk", chunk.first); },
      [=](const reply_failed& end) { add("failed", end.incarnation); },
      [=](const moved& notice) { add("moved", notice.incarnation); },
      [=](const routed& way, const worker_actor&) {
        add("routed", way.incarnation);
      },
      [=](const worker_gone& lost) { add("gone", lost.incarnation); },
      [](const stop_reply&) {},
      [](const written&) {},
      [=](client_left) { self->quit(); },
      [](pulse_atom) {},
      [](get_story) { return reply_story{}; },
      [](retry_atom) {},
  };
}

class token_router_test : public actor_fixture {
protected:
  struct known_reply {
    request_id id = 0;
    reply_actor actor;
    std::shared_ptr<reply_record> got = std::make_shared<reply_record>();
  };

  token_router_test() {
    router = system.spawn(route_tokens, token_router_options{});
    for (std::uint64_t i = 1; i <= 2; ++i) {
      records.push_back(std::make_shared<worker_record>());
      workers.push_back(system.spawn(passive_worker, i, records.back()));
    }
  }

  ~token_router_test() override {
    for (const auto& worker : workers)
      caf::anon_send_exit(worker, caf::exit_reason::kill);
    for (const auto& reply : replies)
      caf::anon_send_exit(reply, caf::exit_reason::kill);
    caf::anon_send_exit(router, caf::exit_reason::kill);
    run();
  }

  known_reply start_reply(request_id id) {
    known_reply result;
    result.id = id;
    result.actor = system.spawn(recording_reply, result.got);
    replies.push_back(result.actor);
    return result;
  }

  /// Sends a reply's request to the worker of this incarnation.
  void route(const known_reply& reply, std::uint64_t incarnation) {
    submit order;
    order.request.id = reply.id;
    ask<admitted>(router, order, routed{incarnation}, workers[incarnation - 1],
                  reply.actor);
  }

  token_chunk chunk(request_id id, std::uint64_t first,
                    std::uint64_t incarnation,
                    finish_reason finish = finish_reason::none) {
    token_chunk result;
    result.id = id;
    result.first = first;
    result.incarnation = incarnation;
    result.finish = finish;
    return result;
  }

  template <class Message>
  void tell(const Message& message) {
    caf::anon_send(router, message);
    run();
  }

  void end(const known_reply& reply) {
    caf::anon_send(reply.actor, client_left{});
    run();
  }

  token_router router;
  std::vector<std::shared_ptr<worker_record>> records;
  std::vector<worker_actor> workers;
  std::vector<reply_actor> replies;
};

TEST_F(token_router_test, a_step_is_dealt_out_in_its_order) {
  auto a = start_reply(1), b = start_reply(2);
  route(a, 1);
  route(b, 1);
  tell(step_chunks{{chunk(2, 1, 1), chunk(1, 1, 1), chunk(2, 2, 1)}});
  EXPECT_THAT(*a.got, ElementsAre("routed 1", "chunk 1"));
  EXPECT_THAT(*b.got, ElementsAre("routed 1", "chunk 1", "chunk 2"));
}

TEST_F(token_router_test, what_nobody_waits_for_is_dropped) {
  tell(step_chunks{{chunk(7, 1, 1)}});
  tell(reply_failed{7, 1, {}});
  tell(moved{7, 1});
  auto a = start_reply(7);
  route(a, 1);
  EXPECT_THAT(*a.got, ElementsAre("routed 1"));
}

TEST_F(token_router_test, the_worker_of_a_reply_that_ends_is_told) {
  auto a = start_reply(1), b = start_reply(2);
  route(a, 1);
  route(b, 1);
  end(a);
  ASSERT_THAT(records[0]->cancels, SizeIs(1));
  EXPECT_EQ(records[0]->cancels[0].id, 1u);
  tell(step_chunks{{chunk(1, 1, 1), chunk(2, 1, 1)}});
  EXPECT_THAT(*a.got, ElementsAre("routed 1"));
  EXPECT_THAT(*b.got, ElementsAre("routed 1", "chunk 1"));
}

TEST_F(token_router_test, a_worker_that_is_done_is_not_told) {
  auto a = start_reply(1), b = start_reply(2), c = start_reply(3);
  for (const auto& reply : {a, b, c})
    route(reply, 1);
  tell(step_chunks{{chunk(1, 1, 1, finish_reason::stop)}});
  tell(reply_failed{2, 1, {}});
  tell(moved{3, 1});
  for (const auto& reply : {a, b, c})
    end(reply);
  EXPECT_THAT(records[0]->cancels, IsEmpty());
}

TEST_F(token_router_test, the_last_worker_of_a_reply_is_the_one_that_is_told) {
  auto a = start_reply(1);
  route(a, 1);
  route(a, 2);
  // The first one was given up and wakes.
  tell(step_chunks{{chunk(1, 3, 1, finish_reason::stop)}});
  end(a);
  EXPECT_THAT(records[0]->cancels, IsEmpty());
  EXPECT_THAT(records[1]->cancels, SizeIs(1));
}

TEST_F(token_router_test, the_end_of_a_worker_comes_behind_its_tokens) {
  auto a = start_reply(1), b = start_reply(2);
  route(a, 1);
  route(b, 2);
  caf::anon_send(router, step_chunks{{chunk(1, 1, 1)}});
  tell(worker_gone{"m", 1, {}});
  EXPECT_THAT(*a.got, ElementsAre("routed 1", "chunk 1", "gone 1"));
  EXPECT_THAT(*b.got, ElementsAre("routed 2"));
}

TEST_F(token_router_test, the_end_of_a_worker_answers_the_request) {
  auto a = start_reply(1);
  caf::anon_send_exit(workers[0], caf::exit_reason::kill);
  run();
  submit order;
  order.request.id = 1;
  auto answer =
      begin_ask<admitted>(router, order, routed{1}, workers[0], a.actor);
  run();
  EXPECT_TRUE(answer->error);
}

} // namespace
} // namespace model_server
