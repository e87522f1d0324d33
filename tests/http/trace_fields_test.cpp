// Which trace a request is part of, by its header fields.
#include "http/trace_fields.hpp"

#include "http/request_guard.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace model_server {
namespace {

const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string span = "00f067aa0ba902b7";
const std::string valid = "00-" + trace + "-" + span + "-01";

trace_context read(const std::string& parent,
                   std::vector<std::string> states = {}) {
  std::vector<std::string> parents{parent};
  return read_trace_fields(parents, states);
}

TEST(trace_fields_test, reads_a_trace) {
  EXPECT_EQ(read(valid), (trace_context{trace, span, true, ""}));
  EXPECT_FALSE(read("00-" + trace + "-" + span + "-02").is_sampled);
  EXPECT_TRUE(read("00-" + trace + "-" + span + "-ff").is_sampled);
}

TEST(trace_fields_test, takes_versions_to_come) {
  EXPECT_EQ(read("cc-" + trace + "-" + span + "-01").trace_id, trace);
  EXPECT_EQ(read("cc-" + trace + "-" + span + "-01-more").trace_id, trace);
  EXPECT_FALSE(read("cc-" + trace + "-" + span + "-01.more"));
}

TEST(trace_fields_test, ignores_what_is_not_valid) {
  const std::string zeros(32, '0');
  for (const auto& parent : std::vector<std::string>{
           "", "00", valid + "-", valid + "0", valid.substr(0, 54),
           "ff-" + trace + "-" + span + "-01",
           "0g-" + trace + "-" + span + "-01",
           "00-" + zeros + "-" + span + "-01",
           "00-" + trace + "-" + zeros.substr(16) + "-01",
           "00-" + trace + "-" + span + "-0x",
           "00_" + trace + "-" + span + "-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01"})
    EXPECT_FALSE(read(parent, {"a=b"})) << parent;
  EXPECT_FALSE(read_trace_fields({}, {}));
  std::vector<std::string> two{valid, valid};
  EXPECT_FALSE(read_trace_fields(two, {}));
}

TEST(trace_fields_test, puts_the_state_together) {
  EXPECT_EQ(read(valid, {"a=1, b@c=x y ,", "d*/_-9=!"}).state,
            "a=1,b@c=x y,d*/_-9=!");
  EXPECT_EQ(read(valid, {"9t@v=1"}).state, "9t@v=1");
}

TEST(trace_fields_test, leaves_out_a_state_that_is_not_valid) {
  std::string many;
  for (int i = 0; i < 33; ++i)
    many += "k" + std::to_string(i) + "=1,";
  for (const auto& state : std::vector<std::string>{
           "a", "=1", "a=", "A=1", "9=1", "a=1,a=2", "a=b=c", "a=\t", "a@=1",
           "@b=1", "a=" + std::string(257, 'x'), many}) {
    auto seen = read(valid, {"ok=1", state});
    EXPECT_EQ(seen.trace_id, trace) << state;
    EXPECT_EQ(seen.state, "") << state;
  }
}

TEST(trace_fields_test, keeps_whole_members_up_to_its_limit) {
  std::string first = "a=" + std::string(250, 'x');
  std::string second = "b=" + std::string(250, 'x');
  EXPECT_EQ(read(valid, {first, second, "c=1234567890"}).state,
            first + "," + second);
}

TEST(trace_fields_test, the_guard_finds_them_in_a_request) {
  request_guard guard;
  std::string approved;
  guard.feed("GET / HTTP/1.1\r\nHost: x\r\nTraceParent: " + valid
                 + "\r\ntracestate: a=1\r\ntracestate: b=2\r\n\r\n",
             approved);
  EXPECT_EQ(guard.trace(), (trace_context{trace, span, true, "a=1,b=2"}));
  guard.next();
  EXPECT_FALSE(guard.trace());
}

} // namespace
} // namespace model_server
