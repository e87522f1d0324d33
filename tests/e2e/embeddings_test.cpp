// Embeddings through the real program: every form of input and answer, and a
// worker that is killed in the middle.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"
#include "tests/models/embedding_reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct embeddings_test : ::testing::Test {
  static void SetUpTestSuite() {
    folder = std::make_unique<testing::temporary_folder>();
    testing::write_embedding_folder("bert", *folder);
    server = std::make_unique<server_process>(
        fmt::format(R"({{"bert": {{"name": "embedding", "params": )"
                    R"({{"path": "{}", "normalize": false}}}},)"
                    R"("echo": {{"name": "echo", "params": {{}}}}}})",
                    folder->path().string()),
        std::vector<std::string>{"bert", "echo"},
        std::vector<std::string>{"--restart-pause", "10ms", "--restart-limit",
                                 "0", "--max-attempts", "100", "--max-queued",
                                 "4"});
  }

  static void TearDownTestSuite() {
    server.reset();
    folder.reset();
  }

  static client_response embed(std::string_view input,
                               std::string_view fields = "",
                               std::string_view model = "bert") {
    return fetch(
        server->port(), "POST", "/v1/embeddings",
        fmt::format(R"({{"model":"{}","input":{}{}}})", model, input, fields));
  }

  // The numbers of the embedding at this place.
  static std::vector<float> numbers_of(const std::string& body,
                                       std::size_t index) {
    auto mark = fmt::format(R"("index":{},"embedding":[)", index);
    auto at = body.find(mark);
    std::vector<float> result;
    if (at == std::string::npos)
      return result;
    const char* text = body.c_str() + at + mark.size();
    for (char* end = nullptr; *text != ']'; text = *end == ',' ? end + 1 : end)
      result.push_back(std::strtof(text, &end));
    return result;
  }

  inline static std::unique_ptr<testing::temporary_folder> folder;
  inline static std::unique_ptr<server_process> server;
};

TEST_F(embeddings_test, gives_what_transformers_gives) {
  auto texts = testing::embedded_texts("bert");
  std::string input;
  std::size_t tokens = 0;
  for (auto& text : texts) {
    input += fmt::format("{}[{}]", input.empty() ? "" : ",",
                         fmt::join(text.tokens, ","));
    tokens += text.tokens.size();
  }
  auto answer = embed("[" + input + "]");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json_value(answer.body, "prompt_tokens"), std::to_string(tokens));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto found = numbers_of(answer.body, i);
    const auto& expected = texts[i].pooled.at("mean");
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t n = 0; n < found.size(); ++n)
      EXPECT_NEAR(found[n], expected[n], 1e-4) << i << ", number " << n;
  }
}

TEST_F(embeddings_test, texts_and_their_tokens_are_the_same) {
  auto text = embed(R"("ab c")");
  ASSERT_EQ(text.status, 200) << text.body;
  EXPECT_EQ(numbers_of(text.body, 0).size(), 48u);
  EXPECT_EQ(embed("[4,5,3,6]").body, text.body);
  EXPECT_EQ(embed(R"(["ab c"])").body, text.body);
  auto bytes = embed(R"("ab c")", R"(,"encoding_format":"base64")");
  EXPECT_EQ(json_value(bytes.body, "embedding").size(), 256u); // 192 bytes
  auto part = embed(R"("ab c")", R"(,"dimensions":5,"user":"u")");
  auto whole = numbers_of(text.body, 0);
  whole.resize(5);
  EXPECT_EQ(numbers_of(part.body, 0), whole);
}

TEST_F(embeddings_test, names_what_it_refuses) {
  auto long_text = fmt::format("{}", fmt::join(std::vector<int>(129, 5), ","));
  for (auto [answer, status, code, param] :
       {std::tuple{embed(R"("")"), 400, "out_of_range", "input"},
        {embed(fmt::format("[[4],[{}]]", long_text)), 400,
         "context_length_exceeded", "input[1]"},
        {embed("[[4],[99]]"), 400, "out_of_range", "input[1][0]"},
        {embed("[4]", R"(,"dimensions":49)"), 400, "out_of_range",
         "dimensions"},
        {embed(R"("a")", "", "echo"), 400, "wrong_task", "model"},
        {embed(R"("a")", "", "nobody"), 404, "model_not_found", "null"},
        {fetch(
             server->port(), "POST", "/v1/chat/completions",
             R"({"model":"bert","messages":[{"role":"user","content":"a"}]})"),
         400, "wrong_task", "model"},
        {fetch(server->port(), "POST", "/api/v1/bert/call", chat_body("a")),
         400, "wrong_task", "model"}}) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(json_value(answer.body, "code"), code) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(param));
  }
}

TEST_F(embeddings_test, is_listed_as_other_models_are) {
  EXPECT_THAT(fetch(server->port(), "GET", "/v1/models").body,
              HasSubstr(R"("id":"bert")"));
  EXPECT_THAT(fetch(server->port(), "GET", "/api/v1/").body,
              HasSubstr(R"("bert":{"entry":"embedding","state":"ready")"));
  EXPECT_EQ(json_value(fetch(server->port(), "POST", "/tokenize",
                             R"({"model":"bert","prompt":"abc"})")
                           .body,
                       "count"),
            "3");
}

// More than the queue holds, and of a length that a step leaves some of a batch
// for the next, which the status shows as running; killed again and again until
// the answer is there.
TEST_F(embeddings_test, a_request_survives_the_deaths_of_its_workers) {
  std::string input;
  for (int i = 0; i < 1900; ++i)
    input += fmt::format("{}[{}]", i == 0 ? "" : ",",
                         fmt::join(std::vector<int>(100, 3 + i % 96), ","));
  input = "[" + input + "]";
  auto expected = embed(input);
  ASSERT_EQ(expected.status, 200) << expected.body.substr(0, 300);
  http_client client{server->port()};
  client.request("POST", "/v1/embeddings",
                 fmt::format(R"({{"model":"bert","input":{}}})", input));
  pid_t last = 0;
  int kills = 0;
  for (; kills < 3; ++kills) {
    pid_t victim = 0;
    if (!comes_true(
            [&] {
              if (entity_value(server->port(), "bert", "running") == "0")
                return false;
              for (const auto& process : worker_processes(server->id()))
                if (process.model == "bert" && process.id != last)
                  victim = process.id;
              return victim > 0;
            },
            3s))
      break; // the answer was faster
    ::kill(victim, SIGKILL);
    last = victim;
  }
  auto answer = client.receive();
  EXPECT_GT(kills, 0);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, expected.body);
}

TEST_F(embeddings_test, a_client_that_leaves_frees_the_worker) {
  std::string input = "[4";
  for (int i = 0; i < 100; ++i)
    input += ",5";
  input += "]";
  std::string many = input;
  for (int i = 1; i < 1500; ++i)
    many += "," + input;
  {
    http_client client{server->port()};
    client.request("POST", "/v1/embeddings",
                   fmt::format(R"({{"model":"bert","input":[{}]}})", many));
    EXPECT_TRUE(comes_true([&] {
      return entity_value(server->port(), "bert", "running") != "0";
    }));
  }
  EXPECT_TRUE(comes_to(server->port(), "bert", 0, 0));
}

} // namespace
} // namespace model_server
