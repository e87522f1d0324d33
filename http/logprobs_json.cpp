// Logprobs in the shape that OpenAI's clients read.
#include "http/logprobs_json.hpp"

#include "models/text/utf8.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// Six places are what the sums behind it are good for.
double rounded(float logprob) {
  return std::round(double{logprob} * 1e6) / 1e6;
}

// A character is counted where it begins.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<std::uint8_t>(c) & 0xC0) != 0x80;
  }));
}

// An object with the likeliest tokens and the drawn one as keys. Different
// tokens may look alike; the likeliest of them has the key.
void write_top(json_text& out, const token& drawn) {
  std::vector<std::string> written;
  auto add = [&](std::string_view text, float logprob) {
    auto shown = repair_utf8(text);
    if (std::ranges::find(written, shown) != written.end())
      return;
    out.key(shown).number(rounded(logprob));
    written.push_back(std::move(shown));
  };
  out.begin_object();
  for (const auto& other : drawn.likeliest)
    add(other.text, other.logprob);
  add(drawn.text, drawn.logprob);
  out.end_object();
}

// Leaves the object open.
void begin_token(json_text& out, std::string_view text, float logprob) {
  out.begin_object();
  out.key("token").text(repair_utf8(text));
  out.key("logprob").number(rounded(logprob));
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

void write_completion_logprobs(json_text& out, std::span<const token> tokens,
                               std::size_t& offset) {
  out.begin_object().key("tokens").begin_list();
  for (const auto& each : tokens)
    out.text(repair_utf8(each.text));
  out.end_list().key("token_logprobs").begin_list();
  for (const auto& each : tokens)
    out.number(rounded(each.logprob));
  out.end_list().key("top_logprobs").begin_list();
  for (const auto& each : tokens)
    write_top(out, each);
  out.end_list().key("text_offset").begin_list();
  for (const auto& each : tokens) {
    out.number(std::uint64_t{offset});
    offset += characters(each.text);
  }
  out.end_list().end_object();
}

} // namespace model_server
