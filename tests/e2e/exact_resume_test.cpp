// A real model, killed after any token: the answer is the same bytes.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {
namespace {

const auto models = fmt::format(
    R"({{"tiny-chat": {{"name": "causal_lm", "params": {{"path": "{}/models/tiny-chat"}}}}}})",
    PROJECT_FOLDER);

// What a reply carries beside its tokens, one case each.
struct request_case {
  const char* name;
  const char* target;
  const char* body;
};

constexpr request_case cases[] = {
    {"temperature and penalties", "/api/v1/tiny-chat/call",
     R"({"messages":[{"role":"user","content":"How do I add a device?"}],
        "seed":11,"temperature":1.4,"top_p":0.95,"repetition_penalty":1.2,
        "frequency_penalty":0.3,"max_tokens":24,"ignore_eos":true,"stream":true})"},
    {"a stop string", "/api/v1/tiny-chat/call",
     R"({"messages":[{"role":"user","content":"How do I add a device?"}],
        "seed":3,"temperature":0,"stop":["device","the"],"min_tokens":10,
        "max_tokens":40,"stream":true})"},
    {"logprobs and n", "/v1/chat/completions",
     R"({"model":"tiny-chat","messages":[{"role":"user","content":"What does activate do?"}],
        "seed":5,"temperature":1.0,"n":2,"logprobs":true,"top_logprobs":3,
        "max_tokens":16,"stream":true,"stream_options":{"include_usage":true}})"},
    {"a whole answer", "/api/v1/tiny-chat/call",
     R"({"messages":[{"role":"user","content":"What is a worker?"}],
        "seed":8,"temperature":0.8,"max_tokens":24})"},
};

// What differs from one request to the next, or by the way it took.
std::string without_names(std::string text) {
  for (std::string key : {"\"id\":\"", "\"created\":", "\"device\":\"",
                          "\"cached_tokens\":", "\"system_fingerprint\":"})
    for (auto at = text.find(key); at != text.npos;
         at = text.find(key, at + key.size()))
      text.erase(at + key.size(),
                 text.find_first_of(",}", at) - at - key.size());
  // An event has it only where it is another one than before.
  constexpr std::string_view device = ",\"device\":\"";
  for (auto at = text.find(device); at != text.npos; at = text.find(device))
    text.erase(at, device.size());
  return text;
}

class exact_resume_test : public testing::TestWithParam<request_case> {
protected:
  exact_resume_test()
      : server_(models, {"tiny-chat"},
                {"--virtual-devices", "1", "--restart-pause", "10ms",
                 "--restart-pause-most", "50ms", "--restart-limit", "0",
                 "--max-attempts", "100", "--credit", "1"}) {
    EXPECT_EQ(fetch(server_.port(), "POST", "/api/v1/tiny-chat/add",
                    R"({"device":"virtual:0"})")
                  .status,
              200);
  }

  // The data of all events, those of each choice together; a choice's text in
  // one piece, because another worker may cut it otherwise. Kills the workers
  // once so many events have come; 0 is never.
  std::vector<std::string> answer(std::size_t kill_after) {
    if (std::string_view{GetParam().body}.find("\"stream\":true")
        == std::string_view::npos)
      return {whole_answer(kill_after > 0)};
    http_client client{server_.port()};
    client.request("POST", GetParam().target, GetParam().body);
    std::vector<std::string> result;
    EXPECT_EQ(client.receive_head().status, 200);
    std::size_t count = 0;
    while (auto event = client.next_event()) {
      if (event->data.empty())
        continue;
      result.push_back(without_names(event->data));
      if (++count == kill_after)
        kill_workers();
    }
    EXPECT_TRUE(client.has_ended_well());
    std::ranges::sort(result);
    return result;
  }

  // Asks again if the workers were gone before one of them had the request:
  // then it is refused, and not begun.
  std::string whole_answer(bool kills) {
    for (;;) {
      http_client client{server_.port()};
      client.request("POST", GetParam().target, GetParam().body);
      if (kills)
        kill_workers();
      auto whole = client.receive();
      if (kills && whole.status == 503
          && whole.body.find("model_loading") != std::string::npos) {
        wait_until_ready();
        continue;
      }
      EXPECT_EQ(whole.status, 200) << whole.body;
      return without_names(whole.body);
    }
  }

  void kill_workers() {
    killed_ = worker_processes(server_.id());
    for (const auto& worker : killed_)
      ::kill(worker.id, SIGKILL);
  }

  // Others have taken their places, so the status knows of their deaths.
  bool are_replaced() const {
    auto now = worker_processes(server_.id());
    return now.size() == 2 && std::ranges::none_of(now, [&](auto& worker) {
             return std::ranges::find(killed_, worker.id, &worker_process::id)
                    != killed_.end();
           });
  }

  void wait_until_ready() {
    ASSERT_TRUE(comes_true([&] { return are_replaced(); }));
    for (const auto* device : {"cpu", "virtual:0"})
      ASSERT_TRUE(
          entity_comes_to(server_.port(), "tiny-chat", device, "ready"));
  }

  server_process server_;
  std::vector<worker_process> killed_;
};

TEST_P(exact_resume_test, gives_the_same_bytes_whenever_workers_are_killed) {
  auto expected = answer(0);
  ASSERT_FALSE(expected.empty());
  for (std::size_t k = 1; k <= expected.size(); ++k) {
    EXPECT_EQ(answer(k), expected) << "killed after " << k;
    wait_until_ready();
  }
}

INSTANTIATE_TEST_SUITE_P(all, exact_resume_test, testing::ValuesIn(cases),
                         [](const auto& chosen) {
                           std::string name = chosen.param.name;
                           for (auto& c : name)
                             c = c == ' ' ? '_' : c;
                           return name;
                         });

} // namespace
} // namespace model_server
