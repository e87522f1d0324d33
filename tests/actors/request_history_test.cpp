// Which stories are remembered, and under which names.
#include "actors/request_history.hpp"

#include "tests/support/actor_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class request_history_test : public actor_fixture {
protected:
  ~request_history_test() override {
    caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    run();
  }

  void start(std::size_t replies) {
    subject = system.spawn(request_history, request_history_options{replies});
  }

  void begin(request_id id, const std::string& public_id,
             const std::string& reply_id) {
    caf::anon_send(subject, story_begun{id, public_id, reply_id},
                   reply_actor{});
    run();
  }

  void end(request_id id, std::uint32_t index = 0,
           const std::string& reply_id = "") {
    reply_story story;
    story.id = id;
    story.names.reply_id = reply_id;
    story.index = index;
    story.is_over = true;
    caf::anon_send(subject, story);
    run();
  }

  std::vector<reply_story> of(const std::string& id) {
    return ask<request_stories>(subject, get_stories{id}).replies;
  }

  history_actor subject;
};

TEST_F(request_history_test, finds_a_request_by_either_name) {
  start(10);
  begin(1, "mine", "call-1");
  end(1);
  for (const auto* name : {"mine", "call-1"}) {
    auto found = of(name);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].id, 1u);
  }
  auto error = ask_failure<request_stories>(subject, get_stories{"other"});
  EXPECT_EQ(error.code, errc::request_not_found);
  EXPECT_THAT(error.message, HasSubstr("other"));
}

TEST_F(request_history_test, a_name_means_the_latest_request_with_all_replies) {
  start(10);
  begin(1, "mine", "call-1");
  begin(2, "mine", "call-2");
  begin(3, "mine", "call-2");
  end(1);
  end(3, 1);
  end(2, 0);
  auto found = of("mine");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].id, 2u);
  EXPECT_EQ(found[1].id, 3u);
}

TEST_F(request_history_test, forgets_the_oldest) {
  start(2);
  for (request_id id : {1, 2, 3}) {
    begin(id, "r" + std::to_string(id), "call-" + std::to_string(id));
    end(id);
  }
  EXPECT_EQ(ask_failure<request_stories>(subject, get_stories{"r1"}).code,
            errc::request_not_found);
  EXPECT_THAT(of("r2"), SizeIs(1));
  EXPECT_THAT(of("r3"), SizeIs(1));
}

TEST_F(request_history_test, a_reply_may_be_over_before_it_is_known) {
  start(2);
  end(1, 0, "call-1");
  EXPECT_THAT(of("call-1"), SizeIs(1));
}

} // namespace
} // namespace model_server
