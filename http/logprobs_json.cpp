// Logprobs in the shape that OpenAI's clients read.
#include "http/logprobs_json.hpp"

#include "models/text/utf8.hpp"

#include <cmath>
#include <cstdint>
#include <string_view>

namespace model_server {

namespace {

// Leaves the object open.
void begin_token(json_text& out, std::string_view text, float logprob) {
  out.begin_object();
  out.key("token").text(repair_utf8(text));
  // Six places are what the sums behind it are good for.
  out.key("logprob").number(std::round(double{logprob} * 1e6) / 1e6);
  out.key("bytes").begin_list();
  for (auto byte : text)
    out.number(static_cast<std::uint8_t>(byte));
  out.end_list();
}

} // namespace

void write_token_logprobs(json_text& out, std::span<const token> tokens) {
  out.begin_list();
  for (const auto& each : tokens) {
    begin_token(out, each.text, each.logprob);
    out.key("top_logprobs").begin_list();
    for (const auto& other : each.likeliest) {
      begin_token(out, other.text, other.logprob);
      out.end_object();
    }
    out.end_list().end_object();
  }
  out.end_list();
}

void write_logprobs(json_text& out, std::span<const token> tokens) {
  out.begin_object().key("content");
  write_token_logprobs(out, tokens);
  out.end_object();
}

} // namespace model_server
