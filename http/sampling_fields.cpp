// The fields of a body that say how tokens are drawn and when they end.
#include "http/sampling_fields.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace model_server {

namespace {

constexpr std::size_t max_stops = 16;
constexpr std::size_t max_stop_bytes = 256;
constexpr std::size_t max_stop_tokens = 256;
constexpr std::size_t max_biases = 1024;
constexpr std::size_t max_top_logprobs = 20;
constexpr std::size_t max_completion_logprobs = 5;
constexpr std::uint64_t max_count = std::numeric_limits<std::int32_t>::max();

constexpr std::size_t shown_bytes = 64;

// A token id as the key of an object: digits, and one way to write each.
std::optional<token_id> id_of(std::string_view key) {
  token_id result = 0;
  auto [end, error] =
      std::from_chars(key.data(), key.data() + key.size(), result);
  if (error != std::errc{} || end != key.data() + key.size() || result < 0
      || fmt::format("{}", result) != key)
    return std::nullopt;
  return result;
}

std::vector<token_bias> read_logit_bias(json_fields& body) {
  const auto* value = body.find("logit_bias");
  if (!value)
    return {};
  if (!value->IsObject())
    return body.refuse_type("logit_bias", *value, "an object"),
           std::vector<token_bias>{};
  if (value->MemberCount() > max_biases) {
    body.refuse("logit_bias", "out_of_range",
                fmt::format("logit_bias has {} tokens, the limit is {}",
                            value->MemberCount(), max_biases));
    return {};
  }
  std::vector<token_bias> result;
  std::optional<error_reply> error;
  json_fields biases{*value, "logit_bias", error};
  for (const auto& member : value->GetObject()) {
    std::string_view key{member.name.GetString(),
                         member.name.GetStringLength()};
    auto id = id_of(key);
    if (!id) {
      body.refuse("logit_bias", "out_of_range",
                  fmt::format("logit_bias has the key {}; keys are token ids, "
                              "whole numbers from 0 to {}",
                              quote(key, shown_bytes), max_count));
      return {};
    }
    if (auto bias = biases.number(key, {-100, 100}))
      result.push_back({*id, *bias});
  }
  if (error)
    body.refuse(error->param, error->code, error->message);
  std::ranges::sort(result, {}, &token_bias::id);
  return result;
}

std::vector<token_id> read_stop_tokens(json_fields& body) {
  const auto* value = body.find("stop_token_ids");
  if (!value)
    return {};
  if (value->IsArray() && value->Size() > max_stop_tokens) {
    body.refuse("stop_token_ids", "out_of_range",
                fmt::format("stop_token_ids has {} items, the limit is {}",
                            value->Size(), max_stop_tokens));
    return {};
  }
  return read_token_ids(body, "stop_token_ids", *value);
}

std::optional<std::uint32_t> read_logprobs(json_fields& body,
                                           logprobs_form form) {
  if (form == logprobs_form::completion) {
    auto count = body.integer("logprobs", 0, max_completion_logprobs);
    return count ? std::optional{static_cast<std::uint32_t>(*count)}
                 : std::nullopt;
  }
  auto is_wanted = body.boolean("logprobs").value_or(false);
  auto count = body.integer("top_logprobs", 0, max_top_logprobs);
  if (count.value_or(0) != 0 && !is_wanted)
    body.refuse("top_logprobs", "out_of_range",
                fmt::format("top_logprobs is {}; it must be 0 unless logprobs "
                            "is true",
                            *count));
  if (!is_wanted)
    return std::nullopt;
  return static_cast<std::uint32_t>(count.value_or(0));
}

} // namespace

sampling_options read_sampling(json_fields& body, logprobs_form form) {
  sampling_options result;
  result.temperature = body.number("temperature", {0, 2});
  result.top_p = body.number("top_p", {.least = 0, .most = 1, .is_open = true});
  result.min_p = body.number("min_p", {0, 1});
  result.typical_p =
      body.number("typical_p", {.least = 0, .most = 1, .is_open = true});
  if (auto top_k = body.integer("top_k", 0, max_count))
    result.top_k = static_cast<std::int64_t>(*top_k);
  result.repetition_penalty = body.number("repetition_penalty", {0.01, 2});
  result.presence_penalty = body.number("presence_penalty", {-2, 2});
  result.frequency_penalty = body.number("frequency_penalty", {-2, 2});
  result.logit_bias = read_logit_bias(body);
  result.stop_tokens = read_stop_tokens(body);
  result.min_tokens = static_cast<std::uint32_t>(
      body.integer("min_tokens", 0, max_count).value_or(0));
  result.ignore_eos = body.boolean("ignore_eos").value_or(false);
  result.top_logprobs = read_logprobs(body, form);
  return result;
}

std::vector<token_id> read_token_ids(json_fields& body, std::string_view name,
                                     const rapidjson::Value& list) {
  if (!list.IsArray())
    return body.refuse_type(name, list, "a list"), std::vector<token_id>{};
  std::vector<token_id> result;
  for (rapidjson::SizeType i = 0; i < list.Size(); ++i) {
    const auto& each = list[i];
    auto path = fmt::format("{}[{}]", name, i);
    if (!each.IsInt64() && !each.IsUint64())
      body.refuse_type(path, each, "a whole number");
    else if (!each.IsInt() || each.GetInt() < 0)
      body.refuse(path, "out_of_range",
                  fmt::format("{} is {}; it must be 0 to {}", path,
                              each.IsInt64() ? std::to_string(each.GetInt64())
                                             : std::to_string(each.GetUint64()),
                              max_count));
    else
      result.push_back(each.GetInt());
  }
  return result;
}

std::uint32_t read_max_tokens(json_fields& body, std::string_view name) {
  return static_cast<std::uint32_t>(
      body.integer(name, 1, max_count).value_or(0));
}

void check_min_tokens(json_fields& body, const generation_request& request) {
  auto least = request.sampling.min_tokens;
  if (request.max_tokens != 0 && least > request.max_tokens)
    body.refuse("min_tokens", "out_of_range",
                fmt::format("min_tokens is {}; it must be at most max_tokens, "
                            "which is {}",
                            least, request.max_tokens));
}

std::vector<std::string> read_stop(json_fields& body) {
  const auto* value = body.find("stop");
  if (!value)
    return {};
  std::vector<const rapidjson::Value*> found;
  if (value->IsString()) {
    found.push_back(value);
  } else if (value->IsArray()) {
    for (const auto& each : value->GetArray())
      found.push_back(&each);
  } else {
    body.refuse_type("stop", *value, "a string or a list of strings");
    return {};
  }
  if (found.size() > max_stops) {
    body.refuse("stop", "out_of_range",
                fmt::format("stop has {} items, the limit is {}", found.size(),
                            max_stops));
    return {};
  }
  std::vector<std::string> result;
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto path = value->IsString() ? "stop" : fmt::format("stop[{}]", i);
    if (!found[i]->IsString()) {
      body.refuse_type(path, *found[i], "a string");
      return {};
    }
    if (auto size = found[i]->GetStringLength();
        size == 0 || size > max_stop_bytes)
      body.refuse(path, "out_of_range",
                  fmt::format("{} has {} bytes; it must have 1 to {}", path,
                              size, max_stop_bytes));
    result.emplace_back(found[i]->GetString(), found[i]->GetStringLength());
  }
  return result;
}

} // namespace model_server
