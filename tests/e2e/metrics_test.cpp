// Figures and stories of a real server, compared with what it answered, with
// what its documentation says of them and with what the dashboard shows.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"
#include "tests/support/scrape.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <string>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string models = fmt::format(R"({{
  "tiny": {{"name": "causal_lm", "params": {{"path": "{}/models/tiny-chat"}}}},
  "fault": {{"name": "fault", "params": {{"enable": true}}}},
  "idle": {{"name": "echo"}}
}})",
                                       PROJECT_FOLDER);

std::string read_file(const std::string& name) {
  std::ifstream file{fmt::format("{}/{}", PROJECT_FOLDER, name)};
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// A row of the table of docs/metrics.md.
struct described {
  std::string type;
  std::string labels;

  friend bool operator==(const described&, const described&) = default;
};

void PrintTo(const described& row, std::ostream* out) {
  *out << row.type << " (" << row.labels << ")";
}

std::map<std::string, described> documentation() {
  std::map<std::string, described> result;
  auto text = read_file("docs/metrics.md");
  const std::regex row{R"(\n\| `(\w+)` \| (\w+) \|([a-z ]*)\|)"};
  for (std::sregex_iterator it{text.begin(), text.end(), row}, end; it != end;
       ++it) {
    std::string labels = (*it)[3];
    labels.erase(0, labels.find_first_not_of(' '));
    labels.erase(labels.find_last_not_of(' ') + 1);
    result[(*it)[1]] = {(*it)[2], labels};
  }
  return result;
}

class metrics_test : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<server_process>(
        models, std::vector<std::string>{"tiny", "fault"},
        std::vector<std::string>{"--virtual-devices", "1", "--restart-pause",
                                 "10ms", "--restart-limit", "0"});
  }

  static void TearDownTestSuite() {
    server_.reset();
  }

  static std::uint16_t port() {
    return server_->port();
  }

  static client_response post(std::string_view target, std::string_view body,
                              std::string_view fields = {}) {
    return fetch(port(), "POST", target, body, fields);
  }

  static std::string metrics() {
    auto response = fetch(port(), "GET", "/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("content-type"),
              "text/plain; version=0.0.4; charset=utf-8");
    return response.body;
  }

  /// 0 where there is none yet.
  static double value(const std::string& series) {
    scrape seen{metrics()};
    auto name = "model_server_" + series;
    return seen.has(name) ? seen.value(name) : 0;
  }

  static std::string story(const std::string& id) {
    auto response = fetch(port(), "GET", "/api/v1/requests/" + id);
    EXPECT_EQ(response.status, 200) << response.body;
    return response.body;
  }

  inline static std::unique_ptr<server_process> server_;
};

TEST_F(metrics_test, figures_are_the_sums_of_what_replies_tell) {
  double prompt = 0, completion = 0, cached = 0;
  auto add = [&](const std::string& usage) {
    prompt += std::stod(json_value(usage, "prompt_tokens"));
    completion += std::stod(json_value(usage, "completion_tokens"));
    cached += std::stod(json_value(usage, "cached_tokens"));
  };
  auto question = "How do I add a device, and how do I remove it again?";
  for (const auto* fields :
       {R"(,"seed":1)", R"(,"max_tokens":5)", R"(,"n":2,"max_tokens":3)",
        R"(,"stop":"e","max_tokens":20)"}) {
    auto answer = post("/api/v1/tiny/call", chat_body(question, fields));
    ASSERT_EQ(answer.status, 200) << answer.body;
    add(answer.body);
  }
  http_client client{port()};
  client.request("POST", "/api/v1/tiny/call",
                 chat_body(question, R"(,"stream":true)"));
  ASSERT_EQ(client.receive_head().status, 200);
  auto stream = read_stream(client);
  ASSERT_TRUE(stream.is_done);
  for (const auto& data : stream.data)
    if (data.find("usage") != data.npos)
      add(data);
  EXPECT_EQ(value(R"(prompt_tokens_total{model="tiny"})"), prompt);
  EXPECT_EQ(value(R"(generation_tokens_total{device="cpu",model="tiny"})"),
            completion);
  EXPECT_GT(cached, 0);
  // Of the two replies to one prompt the usage tells of the first alone.
  EXPECT_GE(
      value(R"(prefix_cache_hit_tokens_total{device="cpu",model="tiny"})"),
      cached);
  EXPECT_EQ(value(R"(time_to_first_token_seconds_count{model="tiny"})"), 6);
  EXPECT_EQ(value(R"(requests_total{model="tiny",outcome="stop"})")
                + value(R"(requests_total{model="tiny",outcome="length"})"),
            6);
  // Steps come with the worker's load.
  EXPECT_TRUE(comes_true([&] {
    return value(R"(batch_size_sum{device="cpu",model="tiny"})") >= completion;
  }));
  EXPECT_GT(value(R"(cache_blocks{device="cpu",model="tiny"})"), 0);
  EXPECT_GT(value(R"(device_memory_bytes{device="cpu",model="tiny"})"), 1e6);
}

TEST_F(metrics_test, a_reply_that_moves_tells_so) {
  ASSERT_EQ(post("/api/v1/fault/add", R"({"device":"virtual:0"})").status, 200);
  auto resumes = value(R"(resumes_total{model="fault"})");
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=40 sleep_ms=30", R"(,"seed":5,"stream":true)"),
                 "X-Request-Id: moving-1\r\n");
  ASSERT_EQ(client.receive_head().status, 200);
  while (auto event = client.next_event())
    if (event->id == "3")
      break;
  // It is known once it has gone on for a while.
  EXPECT_TRUE(comes_true([] {
    auto told = fetch(port(), "GET", "/api/v1/requests/moving-1").body;
    return told.find(R"("state":"running")") != told.npos;
  }));
  std::string device;
  ASSERT_TRUE(comes_true([&] {
    device = busy_device(port(), "fault");
    return !device.empty();
  }));
  ::kill(worker_on(server_->id(), "fault", device).id, SIGKILL);
  auto rest = read_stream(client);
  EXPECT_TRUE(rest.is_done);
  EXPECT_EQ(value(R"(resumes_total{model="fault"})"), resumes + 1);
  EXPECT_EQ(
      value(fmt::format(R"(worker_restarts_total{{device="{}",model="fault"}})",
                        device)),
      1);
  auto told = story("moving-1");
  EXPECT_THAT(told, HasSubstr(R"("completion_tokens":40)"));
  EXPECT_THAT(told, HasSubstr(R"("reason":"its process was ended by signal 9)"))
      << told;
  EXPECT_THAT(told, HasSubstr(R"("event":"moved")"));
  EXPECT_THAT(told, HasSubstr(fmt::format(R"("from":"{}")", device)));
  EXPECT_THAT(told, HasSubstr(R"({"event":"ended")"));
  EXPECT_THAT(told, Not(HasSubstr("len=40")));
  EXPECT_TRUE(entity_comes_to(port(), "fault", "cpu", "ready"));
  EXPECT_EQ(post("/api/v1/fault/remove", R"({"device":"virtual:0"})").status,
            200);
  // Gauges of a removed device are gone, what was counted there is not.
  auto after = metrics();
  EXPECT_THAT(after, Not(HasSubstr(R"(running{device="virtual:0")")));
  EXPECT_THAT(after, HasSubstr(R"(tokens_total{device="virtual:0")"));
}

TEST_F(metrics_test, stories_have_two_names_and_the_trace) {
  auto answer = post("/v1/chat/completions",
                     R"({"model":"tiny","max_tokens":2,)"
                     R"("messages":[{"role":"user","content":"hello"}]})",
                     "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"
                     "00f067aa0ba902b7-01\r\ntracestate: a=b\r\n");
  ASSERT_EQ(answer.status, 200);
  auto by_reply = story(json_value(answer.body, "id"));
  EXPECT_EQ(by_reply, story(answer.header("x-request-id")));
  EXPECT_THAT(by_reply, HasSubstr(R"("state":"done")"));
  EXPECT_THAT(by_reply,
              HasSubstr(R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
                        R"("span_id":"00f067aa0ba902b7","sampled":true)"));
  auto unknown = fetch(port(), "GET", "/api/v1/requests/nobody");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(json_value(unknown.body, "code"), "request_not_found");
}

TEST_F(metrics_test, refusals_and_departures_are_counted_once) {
  auto long_prompt =
      post("/api/v1/tiny/call", chat_body(std::string(200'000, 'x'), ""));
  EXPECT_EQ(long_prompt.status, 400);
  EXPECT_EQ(
      value(R"(rejects_total{model="tiny",reason="context_length_exceeded"})"),
      1);
  EXPECT_EQ(post("/api/v1/idle/call", chat_body("x")).status, 503);
  EXPECT_EQ(value(R"(rejects_total{model="idle",reason="model_not_active"})"),
            1);
  {
    http_client client{port()};
    client.request("POST", "/api/v1/fault/call",
                   chat_body("len=400 sleep_ms=20", R"(,"stream":true)"));
    ASSERT_EQ(client.receive_head().status, 200);
    client.next_event();
    EXPECT_EQ(value("open_streams"), 1);
  }
  EXPECT_TRUE(comes_true(
      [&] { return value(R"(cancels_total{model="fault"})") == 1; }));
  EXPECT_TRUE(comes_true([&] { return value("open_streams") == 0; }));
}

TEST_F(metrics_test, what_clients_make_up_makes_no_series) {
  auto before = scrape{metrics()}.values().size();
  for (int i = 0; i < 300; ++i) {
    post(fmt::format("/api/v1/made-up-{}/call", i), chat_body("x"));
    fetch(port(), "GET", fmt::format("/made/up/{}", i));
  }
  EXPECT_THAT(metrics(), Not(HasSubstr("made")));
  EXPECT_LE(scrape{metrics()}.values().size(), before + 3);
}

TEST_F(metrics_test, is_what_its_documentation_says) {
  post("/api/v1/tiny/call", chat_body("hello", R"(,"max_tokens":3)"));
  scrape seen{metrics()};
  std::map<std::string, described> told;
  for (const auto& [family, type] : seen.types())
    told[family] = {type, seen.labels(family)};
  EXPECT_EQ(told, documentation());
}

TEST_F(metrics_test, has_all_that_the_dashboard_shows) {
  post("/api/v1/tiny/call", chat_body("hello", R"(,"max_tokens":3)"));
  scrape seen{metrics()};
  rapidjson::Document dashboard;
  dashboard.Parse(
      read_file("deploy/grafana/dashboards/model-server.json").c_str());
  ASSERT_FALSE(dashboard.HasParseError());
  const std::regex name{R"((?:model_server|process)_\w+)"};
  std::set<std::string> shown;
  for (const auto& panel : dashboard["panels"].GetArray()) {
    if (!panel.HasMember("targets"))
      continue;
    for (const auto& target : panel["targets"].GetArray()) {
      std::string query = target["expr"].GetString();
      std::sregex_iterator it{query.begin(), query.end(), name}, end;
      EXPECT_NE(it, end) << query;
      for (; it != end; ++it) {
        EXPECT_NE(seen.family_of(it->str()), "") << it->str();
        shown.insert(seen.family_of(it->str()));
      }
    }
  }
  // Only what says less than something that is shown is left out.
  std::set<std::string> hidden;
  for (const auto& [family, type] : seen.types())
    if (!shown.contains(family))
      hidden.insert(family);
  EXPECT_EQ(hidden, (std::set<std::string>{"process_virtual_memory_bytes"}));
}

TEST_F(metrics_test, pleases_prometheus) {
  if (std::system("promtool --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "there is no promtool (Debian: prometheus)";
  scratch_folder folder;
  auto file = folder.write("metrics", metrics());
  EXPECT_EQ(
      std::system(fmt::format("promtool check metrics < {}", file).c_str()), 0);
  EXPECT_EQ(std::system(fmt::format("promtool check config "
                                    "{}/deploy/grafana/prometheus.yml",
                                    PROJECT_FOLDER)
                            .c_str()),
            0);
}

} // namespace
} // namespace model_server
