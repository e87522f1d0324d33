// The body of /v1/embeddings, its answer, and how its inputs are started.
#include "http/openai_embedding.hpp"

#include "http/choice_starter.hpp"
#include "http/json.hpp"
#include "http/whole_answer.hpp"

#include "recording_answer.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::HasSubstr;

embedding_request taken(std::string_view body) {
  auto result = read_openai_embedding(body);
  if (auto* error = std::get_if<error_reply>(&result)) {
    ADD_FAILURE() << body << ": " << error->message;
    return {};
  }
  return std::get<embedding_request>(result);
}

error_reply refused(std::string_view body) {
  auto result = read_openai_embedding(body);
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << "taken: " << body;
  return {};
}

std::string with_input(std::string_view input) {
  return fmt::format(R"({{"model":"m","input":{}}})", input);
}

std::string with(std::string_view fields) {
  return fmt::format(R"({{"model":"m","input":"a",{}}})", fields);
}

std::string list_of(std::size_t count) {
  std::string result = "[\"a\"";
  for (std::size_t i = 1; i < count; ++i)
    result += ",\"a\"";
  return result + "]";
}

TEST(openai_embedding_test, reads_a_whole_request) {
  auto request =
      taken(with(R"("encoding_format":"base64","dimensions":256,)"
                 R"("user":"u","priority":-3,"timeout":2,"more":1)"));
  const auto& values = request.call.request;
  EXPECT_EQ(values.task, request_task::embedding);
  EXPECT_EQ(values.model, "m");
  EXPECT_EQ(values.dimensions, 256u);
  EXPECT_EQ(values.priority, -3);
  EXPECT_EQ(request.encoding, number_encoding::base64);
  EXPECT_EQ(request.call.prompts,
            (std::vector<reply_prompt>{{prompt_form::text, {}, "a", {}}}));
  auto plain = taken(with_input(R"("a")"));
  EXPECT_EQ(plain.encoding, number_encoding::numbers);
  EXPECT_EQ(plain.call.request.dimensions, 0u);
  taken(with(R"("encoding_format":"float")"));
}

TEST(openai_embedding_test, takes_inputs_in_all_forms) {
  auto texts = taken(with_input(R"(["a","b"])")).call;
  EXPECT_EQ(texts.choices(), 2u);
  EXPECT_EQ(texts.prompt_of(1).text, "b");
  EXPECT_EQ(taken(with_input("[3,4]")).call.prompts,
            (std::vector<reply_prompt>{{prompt_form::tokens, {}, "", {3, 4}}}));
  EXPECT_EQ(taken(with_input("[[3],[4,5]]")).call.prompts[1].tokens,
            (std::vector<token_id>{4, 5}));
  EXPECT_EQ(taken(with_input(list_of(2048))).call.choices(), 2048u);
}

TEST(openai_embedding_test, refuses_by_name) {
  for (auto [input, param] : {std::pair{R"("")", "input"},
                              {R"(["a",""])", "input[1]"},
                              {R"([""])", "input"},
                              {"[]", "input"},
                              {"[[3],[]]", "input[1]"},
                              {R"(["a",[3]])", "input[1]"},
                              {R"([3,"a"])", "input[1]"},
                              {"[[3],[-1]]", "input[1][0]"},
                              {"7", "input"},
                              {"{}", "input"},
                              {"null", "input"}}) {
    auto error = refused(with_input(input));
    EXPECT_EQ(error.status, 400u) << input;
    EXPECT_EQ(error.param, param) << input;
  }
  for (auto [fields, param] :
       {std::pair{R"("dimensions":0)", "dimensions"},
        {R"("dimensions":1.5)", "dimensions"},
        {R"("encoding_format":"int8")", "encoding_format"},
        {R"("n":2)", "n"}})
    EXPECT_EQ(refused(with(fields)).param, param) << fields;
  EXPECT_EQ(refused(R"({"input":"a"})").param, "model");
  auto many = refused(with_input(list_of(2049)));
  EXPECT_EQ(many.param, "input");
  EXPECT_EQ(many.message, "input has 2049 items, the limit is 2048");
}

std::vector<written_choice> two_embeddings() {
  std::vector<written_choice> result(2);
  result[0].summary.embedding = {0.1f, -1.0f};
  result[1].summary.embedding = {1e-8f, 0.0f};
  return result;
}

TEST(openai_embedding_test, writes_numbers_that_read_as_the_same_floats) {
  embedding_format format{"m", number_encoding::numbers};
  EXPECT_EQ(format.whole(two_embeddings(), {.prompt_tokens = 7}),
            R"({"object":"list","data":[)"
            R"({"object":"embedding","index":0,"embedding":[0.1,-1]},)"
            R"({"object":"embedding","index":1,"embedding":[1e-08,0]}],)"
            R"("model":"m","usage":{"prompt_tokens":7,"total_tokens":7}})");
}

TEST(openai_embedding_test, writes_bytes_of_floats_as_base64) {
  embedding_format format{"m", number_encoding::base64};
  // 0.1f is CD CC CC 3D, -1.0f is 00 00 80 BF.
  EXPECT_THAT(format.whole(two_embeddings(), {}),
              HasSubstr(R"("index":0,"embedding":"zczMPQAAgL8="})"));
}

// -- how inputs are started ---------------------------------------------------

// What a gateway was asked, and has not answered.
struct door_record {
  std::deque<submit> orders;
  std::deque<reply_actor> replies;
  caf::error refusal;
};

gateway_actor::behavior_type door(gateway_actor::pointer,
                                  std::shared_ptr<door_record> log) {
  auto none = caf::error{caf::sec::unexpected_message};
  return {
      [=](const submit& order,
          const reply_actor& reply) -> caf::result<admitted> {
        if (log->refusal)
          return log->refusal;
        log->orders.push_back(order);
        log->replies.push_back(reply);
        return admitted{0, "cpu", 5};
      },
      [=](const tokenize&) -> caf::result<tokenized> { return none; },
      [=](const detokenize&) -> caf::result<detokenized> { return none; },
      [=](const add_device&) -> caf::result<device_report> { return none; },
      [=](const remove_device&) -> caf::result<device_report> { return none; },
      [=](const activate_model&) -> caf::result<device_report> { return none; },
      [=](const unload_model&) -> caf::result<bool> { return none; },
      [=](const get_status&) -> caf::result<server_status> { return none; },
      [=](reload_models) -> caf::result<reload_report> { return none; },
      [=](const reload_plan&) -> caf::result<caf::ok_atom> { return none; },
      [](const reloader_actor&) {},
      [=](const drain&) -> caf::result<std::uint32_t> { return none; },
      [](const worker_here&, const worker_actor&) {},
      [=](const node_here&, const node_actor&) -> caf::result<caf::ok_atom> {
        return none;
      },
      [](shed_atom) {},
      [](reclaim_atom) {},
      [](flush_atom) { return caf::ok_atom::value; },
      [](tick_atom) {},
      [](pulse_atom) {},
  };
}

worker_actor::behavior_type idle_worker(worker_actor::pointer) {
  return {
      [](load_atom, const load_watcher&) { return worker_ready{}; },
      [](const submit&, const token_sink&) { return admitted{}; },
      [](const tokenize&) { return tokenized{}; },
      [](const detokenize&) { return detokenized{}; },
      [](const credit&) {},
      [](const cancel&) {},
      [](hand_over_atom) { return std::uint32_t{0}; },
      [](finish_atom) { return caf::ok_atom::value; },
      [](const end_replies&) {},
      [](shed_atom) {},
      [](step_atom) {},
  };
}

class embeddings_in_turn_test : public actor_fixture {
protected:
  embeddings_in_turn_test() {
    gateway = system.spawn(door, log);
    worker = system.spawn(idle_worker);
  }

  ~embeddings_in_turn_test() override {
    record.events.client_left();
    run();
    caf::anon_send_exit(gateway, caf::exit_reason::kill);
    caf::anon_send_exit(worker, caf::exit_reason::kill);
  }

  void begin(std::size_t inputs) {
    auto call = taken(with_input(list_of(inputs))).call;
    call.request.id = 1;
    reply_options common;
    common.gateway = gateway;
    choice_counts counts{.prompts = inputs};
    choice_starter::start(
        std::make_shared<choice_starter>(system, common, std::move(call),
                                         nullptr, false, 3),
        std::make_shared<whole_answer>(
            std::make_unique<recording_answer>(record),
            std::make_unique<embedding_format>("m", number_encoding::numbers),
            counts));
    run();
  }

  // Whoever asked first gets a vector of its id.
  void finish_one() {
    auto order = log->orders.front();
    auto reply = log->replies.front();
    log->orders.pop_front();
    log->replies.pop_front();
    caf::anon_send(reply, routed{4}, worker);
    token_chunk chunk;
    chunk.id = order.request.id;
    chunk.incarnation = 4;
    chunk.finish = finish_reason::stop;
    chunk.embedding = {static_cast<float>(order.request.id)};
    caf::anon_send(reply, chunk);
    run();
  }

  std::shared_ptr<door_record> log = std::make_shared<door_record>();
  recorded_answer record;
  gateway_actor gateway;
  worker_actor worker;
};

TEST_F(embeddings_in_turn_test, no_more_are_under_way_than_the_limit) {
  begin(7);
  std::size_t made = 0;
  while (!log->orders.empty()) {
    EXPECT_EQ(log->orders.size(), std::min<std::size_t>(3, 7 - made));
    for (const auto& order : log->orders)
      EXPECT_EQ(order.has_right_of_way, order.request.id != 1);
    EXPECT_FALSE(record.has_sent);
    finish_one();
    ++made;
  }
  EXPECT_EQ(made, 7u);
  EXPECT_EQ(record.response.status, 200u);
  for (int i = 0; i < 7; ++i)
    EXPECT_THAT(
        record.response.body,
        HasSubstr(fmt::format(R"("index":{},"embedding":[{}]}})", i, i + 1)));
  EXPECT_THAT(record.response.body, HasSubstr(R"("prompt_tokens":35)"));
}

TEST_F(embeddings_in_turn_test, a_refusal_of_the_first_is_the_answer) {
  log->refusal = to_error({errc::queue_full, "3 wait", "", 4});
  begin(7);
  EXPECT_EQ(record.response.status, 429u);
  EXPECT_TRUE(log->orders.empty());
}

TEST_F(embeddings_in_turn_test, a_client_that_leaves_ends_all_of_it) {
  begin(7);
  record.events.client_left();
  run();
  log->orders.clear();
  log->replies.clear();
  run();
  EXPECT_TRUE(log->orders.empty());
  EXPECT_FALSE(record.has_sent);
}

TEST_F(embeddings_in_turn_test, a_failure_names_its_input_and_ends_all) {
  begin(7);
  caf::anon_send(log->replies[1], routed{4}, worker);
  caf::anon_send(log->replies[1],
                 reply_failed{2,
                              4,
                              {errc::context_length_exceeded,
                               "the input has 9 tokens", "input", 0}});
  run();
  EXPECT_EQ(record.response.status, 400u);
  EXPECT_THAT(record.response.body, HasSubstr(R"("param":"input[1]")"));
  EXPECT_EQ(log->orders.size(), 3u); // no other was started
}

} // namespace
} // namespace model_server
