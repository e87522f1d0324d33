// Random orders of messages, clients that come and go, workers that die,
// devices that are added and removed: every reply ends once, with the right
// text as far as it got.
#include "tests/support/serving_fixture.hpp"

#include <cstdlib>
#include <random>

namespace model_server {

namespace {

using namespace std::chrono_literals;

constexpr auto default_seeds = 300u;

class random_schedule_test : public serving_fixture {
protected:
  struct client {
    running_reply reply;
    std::string whole; // its text when nothing cuts it short
    bool left = false;
    std::uint64_t taken = 0;
  };

  random_schedule_test() {
    serving.batch_size = 3;
    serving.max_queued = 2;
    serving.drain_timeout = 2s;
    serving.restart_pause = 100ms;
    serving.restart_pause_most = 1s;
    for (const auto& plan : {one, two}) {
      plan->replies["short"] = {"a"};
      plan->replies["long"] = numbered_reply(30);
      plan->replies["split"] = {"\xC3", "\xA4 ", "E", "N", "X", "\xF0\x9F"};
      plan->replies["stopped"] = {"x", " E", "N", "D", " more", " and more"};
      plan->before_step = [this] {
        if (std::exchange(breaks, false))
          throw std::runtime_error("broken by the test");
      };
    }
  }

  unsigned pick(unsigned below) {
    return static_cast<unsigned>(random() % below);
  }

  // Delivers some messages, each time to an actor chosen by chance.
  void shuffle(unsigned messages) {
    auto& jobs = scheduler.jobs;
    for (; messages > 0 && !jobs.empty(); --messages) {
      auto chosen = jobs.begin() + pick(static_cast<unsigned>(jobs.size()));
      std::rotate(jobs.begin(), chosen, chosen + 1);
      scheduler.run_once();
    }
  }

  void start_one() {
    static const std::vector<std::pair<std::string, std::string>> turns = {
        {"short", "a"},
        {"long", joined(numbered_reply(30))},
        {"split", "\xC3\xA4 ENX\xEF\xBF\xBD"},
        {"stopped", "x "}};
    const auto& [turn, text] = turns[pick(4)];
    auto options = asking(pick(2) ? "one" : "two", turn);
    options.request.stop = {"END"};
    options.credit = 1 + pick(8);
    options.max_attempts = 1 + pick(3);
    options.worker_wait = std::chrono::seconds{1 + pick(5)};
    clients.push_back({start(std::move(options), pick(2) == 0), text});
  }

  void take_text(client& item) {
    const auto& pieces = item.reply.client->pieces;
    if (pieces.empty() || !item.reply.client->reports_progress)
      return;
    item.taken = std::max(
        item.taken, pieces[pick(static_cast<unsigned>(pieces.size()))].second);
    caf::anon_send(item.reply.actor, written{item.taken});
  }

  void leave(client& item) {
    item.left = true;
    caf::anon_send(item.reply.actor, client_left{});
  }

  // One thing that happens in the world.
  void happen() {
    static const char* places[] = {"", "cpu", "virtual:0", "virtual:1"};
    auto model = std::string{pick(2) ? "one" : "two"};
    auto any_client = [&]() -> client* {
      auto count = static_cast<unsigned>(clients.size());
      return count == 0 ? nullptr : &clients[pick(count)];
    };
    switch (pick(14)) {
    case 0:
      caf::anon_send(door, add_device{model, places[pick(4)], pick(2) == 0});
      break;
    case 1:
      caf::anon_send(door, remove_device{model, places[pick(4)]});
      break;
    case 2:
      caf::anon_send(door, activate_model{model, ""});
      break;
    case 3:
      if (!workers.empty())
        kill(workers[pick(static_cast<unsigned>(workers.size()))]);
      break;
    case 4:
      breaks = pick(3) == 0;
      break;
    case 5:
      if (auto* item = any_client(); item && pick(2) == 0)
        leave(*item);
      break;
    case 6:
      scheduler.advance_time(std::chrono::milliseconds{pick(400)});
      break;
    case 7:
    case 8:
    case 9:
      if (auto* item = any_client())
        take_text(*item);
      break;
    default:
      start_one();
    }
  }

  // Nothing breaks any more, every client reads all.
  void heal() {
    breaks = false;
    for (int round = 0; round < 200; ++round) {
      advance(100ms);
      for (auto& item : clients) {
        const auto& pieces = item.reply.client->pieces;
        if (!pieces.empty())
          caf::anon_send(item.reply.actor, written{pieces.back().second});
      }
    }
  }

  void check(const client& item) {
    const auto& seen = *item.reply.client;
    EXPECT_EQ(seen.broken, "");
    EXPECT_TRUE(seen.is_closed) << "a reply has not ended";
    EXPECT_TRUE(item.whole.starts_with(seen.text))
        << seen.text << " is not the beginning of " << item.whole;
    if (seen.end) {
      EXPECT_EQ(seen.text, item.whole);
    }
    if (!item.left) {
      EXPECT_NE(seen.end.has_value(), seen.failed.has_value());
    }
    if (seen.failed) {
      EXPECT_NE(seen.failed->code, errc::internal_error);
      EXPECT_NE(seen.failed->code, errc::deadline_exceeded);
      ++failures[seen.failed->code];
    }
    endings += seen.end.has_value();
  }

  void simulate(unsigned seed) {
    SCOPED_TRACE(seed);
    random.seed(seed);
    clients.clear();
    workers.clear();
    breaks = false;
    open({{"one", one}, {"two", two}});
    add("one");
    if (pick(2))
      add("two");
    for (int i = 0; i < 120; ++i) {
      happen();
      shuffle(pick(25));
    }
    heal();
    for (const auto& item : clients)
      check(item);
    for (const auto* model : {"one", "two"}) {
      for (const auto& item : status_of(model).entities) {
        EXPECT_EQ(item.state, entity_state::ready);
        EXPECT_EQ(item.running, 0u);
        EXPECT_EQ(item.waiting, 0u);
      }
    }
    EXPECT_EQ(ask<std::uint32_t>(door, drain{1s}), 0u);
  }

  std::shared_ptr<script> one = std::make_shared<script>();
  std::shared_ptr<script> two = std::make_shared<script>();
  std::mt19937 random;
  std::vector<client> clients;
  bool breaks = false;
  std::map<errc, int> failures;
  int endings = 0;
};

} // namespace

// MODEL_SERVER_TEST_SEEDS=FIRST:COUNT tries others.
TEST_F(random_schedule_test, every_reply_ends_once_with_the_right_text) {
  auto first = 1u, count = default_seeds;
  if (const auto* chosen = std::getenv("MODEL_SERVER_TEST_SEEDS"))
    std::sscanf(chosen, "%u:%u", &first, &count);
  for (auto seed = first; seed < first + count && !HasFailure(); ++seed)
    simulate(seed);
  // The run was worth something: replies ended well, and in several bad ways.
  EXPECT_GT(endings, 0);
  if (count >= default_seeds) {
    EXPECT_GT(failures[errc::worker_lost], 0);
    EXPECT_GT(failures[errc::queue_full], 0);
    EXPECT_GT(failures[errc::model_loading], 0);
    EXPECT_GT(failures[errc::model_not_active], 0);
  }
}

} // namespace model_server
