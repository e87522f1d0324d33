// Every message and every error survives a trip between processes.
#include "actors/interfaces.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/make_message.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <gtest/gtest.h>

namespace model_server {

namespace {

class messages_test : public actor_fixture {
protected:
  template <class T>
  std::vector<char> save(const T& value) {
    std::vector<char> bytes;
    caf::binary_serializer sink{system, bytes};
    auto copy = value;
    auto error = sink(copy);
    EXPECT_FALSE(error) << caf::to_string(error);
    return bytes;
  }

  template <class T>
  T load(const std::vector<char>& bytes) {
    T result;
    caf::binary_deserializer source{system, bytes};
    auto error = source(result);
    EXPECT_FALSE(error) << caf::to_string(error);
    return result;
  }

  // By itself, and inside a CAF message, which needs its registered name.
  template <class T>
  void expect_round_trip(const T& value) {
    EXPECT_EQ(load<T>(save(value)), value);
    const caf::message travelled =
        load<caf::message>(save(caf::make_message(value)));
    ASSERT_TRUE(travelled.template match_elements<T>())
        << caf::to_string(travelled);
    EXPECT_EQ(travelled.template get_as<T>(0), value);
  }
};

generation_request full_request() {
  generation_request result;
  result.id = 1ull << 60;
  result.model = "org/model";
  result.prompt.conversation.messages = {{chat_role::system, "be kind"},
                                         {chat_role::tool, "42"},
                                         {chat_role::agent, "\xC3\xA4\n"}};
  result.sampling.temperature = 0.0;
  result.sampling.top_k = 0;
  result.sampling.frequency_penalty = -1.5;
  result.sampling.logit_bias = {{7, -100.0}, {2'000'000'000, 0.5}};
  result.sampling.stop_tokens = {3, 4};
  result.sampling.min_tokens = 5;
  result.sampling.ignore_eos = true;
  result.sampling.top_logprobs = 0;
  result.seed = ~0ull;
  result.max_tokens = 17;
  result.priority = -3;
  result.stop = {"\n\n", "END"};
  return result;
}

failure full_failure() {
  return {errc::context_length_exceeded, "9 of 8", "messages[1]", 12};
}

} // namespace

TEST_F(messages_test, those_down_the_tree) {
  expect_round_trip(submit{full_request(),
                           {5, 6, 2'000'000'000},
                           3,
                           64,
                           true,
                           7,
                           true,
                           true,
                           {8, 9}});
  expect_round_trip(admitted{9, "cuda:1", 100});
  expect_round_trip(credit{4, 1ull << 40});
  expect_round_trip(start_worker{{"m", 1, 2},
                                 "cpu",
                                 "b/cpu",
                                 4,
                                 {5, 6, std::chrono::milliseconds{7}},
                                 "{}"});
  expect_round_trip(stop_worker{"m", 6, true});
  expect_round_trip(cancel{4});
  expect_round_trip(end_replies{full_failure()});
  expect_round_trip(add_device{"m", "cuda:0", false});
  expect_round_trip(remove_device{"m", "cpu"});
  expect_round_trip(activate_model{"m", "cpu"});
  expect_round_trip(unload_model{"m"});
  expect_round_trip(make_room{"m", 1ull << 40, {{"cpu", false, 7}}});
  expect_round_trip(reload_models{});
  expect_round_trip(get_status{});
  reply_prompt text{prompt_form::text, {}, "Once", {}};
  reply_prompt tokens{prompt_form::tokens, {}, "", {0, 7}};
  expect_round_trip(tokenize{"m", text});
  expect_round_trip(tokenize{"m", tokens});
  expect_round_trip(detokenize{"m", {1, 2}});
  expect_round_trip(drain{std::chrono::milliseconds{45'000}});
}

TEST_F(messages_test, those_up_to_the_reply) {
  token_chunk chunk{
      7,
      8,
      9,
      {{1, "a"}, {2, "\xF0\x9F", -0.5f, {{"b", -0.25f}, {"\xF0", -9999.0f}}}},
      finish_reason::length,
      6,
      {0.5f},
      3,
      {2, std::chrono::microseconds{700}}};
  expect_round_trip(chunk);
  expect_round_trip(step_chunks{{chunk, {}}});
  expect_round_trip(reply_failed{7, 8, full_failure()});
  expect_round_trip(moved{7, 8});
  expect_round_trip(routed{8, {9, 10}});
  expect_round_trip(worker_gone{"m", 8, {true, true, {{1, 2}, {3, 4}}}, "why"});
  expect_round_trip(stop_reply{full_failure()});
  expect_round_trip(written{12});
  expect_round_trip(client_left{});
}

TEST_F(messages_test, reports) {
  expect_round_trip(room{"cuda:0"});
  expect_round_trip(reload_report{{"a"}, {"b"}, {"c", "d"}, {}});
  expect_round_trip(worker_load{1, 2, 3, 4, 5, 5.5, {{1, 0, 2}, 3, 4, 5, 6}});
  expect_round_trip(load_progress{1, 0.25});
  expect_round_trip(worker_ready{1, 2048, true, 7});
  expect_round_trip(worker_here{{"m", 1, 2}});
  expect_round_trip(node_here{"b", {{"cuda:0", true, 8}, {"cpu"}}, {"m", "n"}});
  expect_round_trip(worker_ended{1, full_failure(), {true, true, {{1, 2}}}});
  entity_status entity{"cpu", "here", entity_state::restarting,
                       0.5,   true,   1,
                       2,     3.25,   4,
                       "why", 10,     9,
                       8};
  model_status model{"m", "echo", model_state::degraded, 8, {entity, entity}};
  expect_round_trip(model);
  expect_round_trip(server_status{{model, {}}, {{"n", {"cpu"}}}, true});
  expect_round_trip(device_report{"cpu", entity_state::failed, true, 6});
}

TEST_F(messages_test, stories) {
  reply_story story{
      7,
      {"mine",
       "call-1",
       {"trace", "span", true, "a=b"},
       std::chrono::system_clock::time_point{std::chrono::milliseconds{1234}}},
      1,
      "m",
      "cpu",
      true,
      3,
      4,
      2,
      {4, 1, 3, 9},
      {{story_step::moved, std::chrono::microseconds{5}, "cpu", "virtual:0",
        "why", 1, std::chrono::microseconds{6}, 2}},
      1};
  expect_round_trip(story);
  expect_round_trip(story_begun{7, "mine", "call-1"});
  expect_round_trip(get_stories{"mine"});
  expect_round_trip(get_story{});
  expect_round_trip(request_stories{{story, {}}});
}

TEST_F(messages_test, sampling_options_that_are_set_and_not) {
  expect_round_trip(submit{});
  using number = std::optional<double> sampling_options::*;
  for (auto field : std::initializer_list<number>{
           &sampling_options::temperature, &sampling_options::top_p,
           &sampling_options::min_p, &sampling_options::typical_p,
           &sampling_options::repetition_penalty,
           &sampling_options::presence_penalty,
           &sampling_options::frequency_penalty}) {
    submit order;
    order.request.sampling.*field = 0.25;
    expect_round_trip(order);
  }
  submit order;
  order.request.sampling.top_k = -1;
  expect_round_trip(order);
  order.request.sampling.top_logprobs = 20;
  expect_round_trip(order);
}

TEST_F(messages_test, handles_find_their_actor_again) {
  auto behave = [](reply_actor::pointer, int) -> reply_actor::behavior_type {
    return {
        [](const token_chunk&) {},
        [](const reply_failed&) {},
        [](const moved&) {},
        [](const worker_gone&) {},
        [](const routed&, const worker_actor&) {},
        [](const stop_reply&) {},
        [](const written&) {},
        [](client_left) {},
        [](pulse_atom) {},
        [](get_story) { return reply_story{}; },
        [](retry_atom) {},
    };
  };
  auto sink = system.spawn(behave, 0);
  run();
  auto travelled = load<caf::message>(save(caf::make_message(submit{}, sink)));
  ASSERT_TRUE((travelled.match_elements<submit, reply_actor>()));
  EXPECT_EQ(travelled.get_as<reply_actor>(1), sink);
  caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
  run();
}

TEST_F(messages_test, errors) {
  for (auto code = 1; code <= static_cast<int>(errc::internal_error); ++code) {
    auto what = full_failure();
    what.code = static_cast<errc>(code);
    auto travelled = load<caf::error>(save(to_error(what)));
    EXPECT_TRUE(is_failure(travelled));
    EXPECT_EQ(to_failure(travelled), what);
    EXPECT_EQ(describe(travelled), "9 of 8");
  }
}

TEST_F(messages_test, foreign_errors_tell_the_client_nothing) {
  auto foreign = caf::make_error(caf::sec::cannot_open_file, "/etc/secret");
  EXPECT_FALSE(is_failure(foreign));
  EXPECT_EQ(to_failure(foreign),
            (failure{errc::internal_error, "internal error", "", 0}));
  EXPECT_NE(describe(foreign).find("secret"), std::string::npos);
  EXPECT_FALSE(is_failure(caf::error{}));
  // Ours by its category, but made by somebody else.
  EXPECT_FALSE(is_failure(caf::error{3, error_category}));
  EXPECT_FALSE(is_failure(caf::error{
      200, error_category,
      caf::make_message(std::string{}, std::string{}, std::uint32_t{0})}));
}

TEST_F(messages_test, names_of_states_are_those_of_the_contract) {
  EXPECT_EQ(to_string(model_state::inactive), "inactive");
  EXPECT_EQ(to_string(model_state::degraded), "degraded");
  EXPECT_EQ(to_string(entity_state::restarting), "restarting");
  EXPECT_EQ(to_string(finish_reason::length), "length");
  EXPECT_EQ(to_string(errc::context_length_exceeded),
            "context_length_exceeded");
}

} // namespace model_server
