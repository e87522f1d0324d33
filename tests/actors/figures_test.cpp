// Which series there are, and that clients cannot make any.
#include "actors/figures.hpp"

#include "tests/support/figures_scrape.hpp"

#include <gtest/gtest.h>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

namespace model_server {
namespace {

TEST(figures_test, a_model_counts_from_zero_and_is_made_once) {
  figures subject;
  subject.add_model("m");
  subject.of("m")->resumes.Increment();
  subject.add_model("m");
  auto seen = scrape_of(subject);
  EXPECT_EQ(seen.value(R"(model_server_resumes_total{model="m"})"), 1);
  EXPECT_EQ(seen.value(R"(model_server_cancels_total{model="m"})"), 0);
  EXPECT_EQ(
      seen.value(R"(model_server_requests_total{model="m",outcome="stop"})"),
      0);
}

TEST(figures_test, knows_no_model_that_a_client_made_up) {
  figures subject;
  EXPECT_EQ(subject.of("x"), nullptr);
  EXPECT_EQ(subject.of("x", "cpu"), nullptr);
  subject.count_reject("x", "model_not_found");
  subject.count_failure("x", "worker_lost");
  EXPECT_FALSE(
      scrape_of(subject).types().contains("model_server_rejects_total"));
}

TEST(figures_test, a_model_without_a_device_shows_no_histograms) {
  figures subject;
  subject.add_model("idle");
  subject.add_device("busy", "cpu");
  auto seen = scrape_of(subject);
  auto count = [](const std::string& model) {
    return "model_server_queue_seconds_count{model=\"" + model + "\"}";
  };
  EXPECT_TRUE(seen.has(count("busy")));
  EXPECT_FALSE(seen.has(count("idle")));
}

TEST(figures_test, a_device_that_comes_back_goes_on_where_it_was) {
  figures subject;
  subject.add_device("m", "cpu").restarts.Increment();
  subject.add_device("m", "cpu").restarts.Increment();
  EXPECT_EQ(
      scrape_of(subject).value(
          R"(model_server_worker_restarts_total{device="cpu",model="m"})"),
      2);
}

TEST(figures_test, beyond_its_limit_devices_are_one) {
  figures subject;
  for (std::size_t i = 0; i < figures::most_devices; ++i)
    subject.add_device("m", "node-" + std::to_string(i) + "/cpu");
  for (const auto* device : {"node-x/cpu", "node-y/cpu"})
    subject.add_device("m", device).restarts.Increment();
  // What a worker says of itself makes no series either.
  EXPECT_EQ(subject.of("m", "liar"), subject.of("m", "node-x/cpu"));
  auto seen = scrape_of(subject);
  EXPECT_EQ(
      seen.value(
          R"(model_server_worker_restarts_total{device="other",model="m"})"),
      2);
}

} // namespace
} // namespace model_server
