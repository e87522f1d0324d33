// What is told of entities that are there now, in Prometheus' words.
#include "http/metrics_text.hpp"

#include "config/version.hpp"
#include "http/counted_answer.hpp"
#include "tests/http/recording_answer.hpp"
#include "tests/support/figures_scrape.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

entity_status entity(const std::string& device, const std::string& node) {
  entity_status result;
  result.device = device;
  result.node = node;
  result.state = entity_state::ready;
  result.running = 3;
  result.waiting = 2;
  return result;
}

scrape read(const server_status& status) {
  figures none;
  return scrape{metrics_text(none, status, {.cpu_seconds = 1.5}, "here")};
}

TEST(metrics_text_test, tells_of_each_entity_what_holds_now) {
  auto busy = entity("cpu", "here");
  busy.cache_blocks = 100;
  busy.cache_blocks_used = 0;
  busy.memory_bytes = 1ull << 40;
  model_status model{"org/m",
                     "causal_lm",
                     model_state::ready,
                     8,
                     {busy, entity("cuda:0", "node-b")}};
  server_status status;
  status.models = {model};
  auto seen = read(status);
  auto on_cpu = R"({device="cpu",model="org/m"})";
  auto on_other = R"({device="node-b/cuda:0",model="org/m"})";
  auto value = [&](const std::string& name, const char* labels) {
    return seen.value("model_server_" + name + labels);
  };
  EXPECT_EQ(value("requests_running", on_cpu), 3);
  EXPECT_EQ(value("requests_waiting", on_other), 2);
  EXPECT_EQ(value("batch_capacity", on_other), 8);
  EXPECT_EQ(value("cache_blocks", on_cpu), 100);
  EXPECT_EQ(value("cache_blocks_used", on_cpu), 0);
  EXPECT_EQ(value("device_memory_bytes", on_cpu), 1099511627776.0);
  // A model without a cache has none that is empty.
  for (const auto* name : {"cache_blocks", "device_memory_bytes"})
    EXPECT_FALSE(seen.has(std::string{"model_server_"} + name + on_other));
}

TEST(metrics_text_test, tells_nothing_of_entities_where_there_are_none) {
  auto seen = read({});
  EXPECT_FALSE(seen.types().contains("model_server_requests_running"));
  EXPECT_EQ(seen.value("process_cpu_seconds_total"), 1.5);
  EXPECT_EQ(seen.types().at("process_cpu_seconds_total"), "counter");
  EXPECT_EQ(seen.value("model_server_build_info{version=\""
                       + std::string{server_version()} + "\"}"),
            1);
}

TEST(counted_answer_test, counts_an_answer_once_by_route_and_class) {
  auto counted = std::make_shared<figures>();
  auto value = [&](const std::string& series) {
    return scrape_of(*counted).value("model_server_" + series);
  };
  auto answer = [&](recorded_answer& record) {
    return counted_answer(std::make_unique<recording_answer>(record), "/x",
                          counted);
  };
  recorded_answer whole, stream, cut, dropped;
  http_response refused;
  refused.status = 429;
  answer(whole)->send(refused);
  EXPECT_TRUE(whole.has_sent);
  EXPECT_EQ(value(R"(http_requests_total{route="/x",status="4xx"})"), 1);
  auto open = answer(stream);
  open->begin({});
  EXPECT_EQ(value("open_streams"), 1);
  open->write("a", 1);
  open->end("b");
  EXPECT_EQ(stream.body(), "ab");
  EXPECT_EQ(value("open_streams"), 0);
  open.reset();
  EXPECT_EQ(value("open_streams"), 0);
  // The client leaves in the middle, or before the beginning.
  answer(cut)->begin({});
  EXPECT_EQ(value("open_streams"), 0);
  answer(dropped).reset();
  EXPECT_EQ(value(R"(http_requests_total{route="/x",status="2xx"})"), 2);
  EXPECT_EQ(value(R"(http_requests_total{route="/x",status="none"})"), 1);
}

} // namespace
} // namespace model_server
