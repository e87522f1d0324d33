// Checks the body of an embedding request field by field, and writes its
// answer.
#include "http/openai_embedding.hpp"

#include "http/json.hpp"
#include "http/openai_request.hpp"
#include "http/prompt_list.hpp"
#include "http/queue_fields.hpp"

#include <fmt/format.h>
#include <restinio/utils/base64.hpp>

#include <bit>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// What no model has; the worker knows the width of its own.
constexpr std::uint64_t max_dimensions = 1 << 20;

number_encoding read_encoding(json_fields& body) {
  auto name = body.text("encoding_format").value_or("float");
  if (name == "base64")
    return number_encoding::base64;
  if (name != "float")
    body.refuse("encoding_format", "out_of_range",
                "encoding_format must be float or base64");
  return number_encoding::numbers;
}

std::vector<reply_prompt> read_inputs(json_fields& body) {
  auto result = read_prompts(body, "input");
  if (result.size() > max_inputs)
    body.refuse("input", "out_of_range",
                fmt::format("input has {} items, the limit is {}",
                            result.size(), max_inputs));
  auto is_list = result.size() > 1;
  for (std::size_t i = 0; i < result.size() && !body.has_error(); ++i) {
    if (result[i].form != prompt_form::text || !result[i].text.empty())
      continue;
    auto path = is_list ? fmt::format("input[{}]", i) : std::string{"input"};
    body.refuse(path, "out_of_range", path + " is empty");
  }
  return result;
}

std::string base64_of(std::span<const float> numbers) {
  std::string bytes;
  bytes.reserve(numbers.size() * sizeof(float));
  for (auto number : numbers) {
    auto bits = std::bit_cast<std::uint32_t>(number);
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  return restinio::utils::base64::encode(bytes);
}

void write_embedding(json_text& out, std::span<const float> numbers,
                     number_encoding encoding) {
  if (encoding == number_encoding::base64) {
    out.text(base64_of(numbers));
    return;
  }
  out.begin_list();
  for (auto number : numbers)
    out.short_number(number);
  out.end_list();
}

} // namespace

std::variant<embedding_request, error_reply>
read_openai_embedding(std::string_view body) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  embedding_request result;
  auto& request = result.call.request;
  request.task = request_task::embedding;
  request.model = read_openai_model(fields, error);
  request.dimensions = static_cast<std::uint32_t>(
      fields.integer("dimensions", 1, max_dimensions).value_or(0));
  result.encoding = read_encoding(fields);
  read_queue_fields(fields, result.call);
  if (result.call.n != 1)
    fields.refuse("n", "unsupported_field",
                  "n is not supported here: an input has one embedding");
  result.call.prompts = read_inputs(fields);
  if (error)
    return *error;
  return result;
}

embedding_format::embedding_format(std::string model, number_encoding encoding)
    : model_(std::move(model)), encoding_(encoding) {
  // nop
}

std::string embedding_format::whole(std::span<const written_choice> choices,
                                    const usage_counts& usage) {
  json_text out;
  out.begin_object();
  out.key("object").text("list");
  out.key("data").begin_list();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    out.begin_object();
    out.key("object").text("embedding");
    out.key("index").number(std::uint64_t{i});
    out.key("embedding");
    write_embedding(out, choices[i].summary.embedding, encoding_);
    out.end_object();
  }
  out.end_list();
  out.key("model").text(model_);
  out.key("usage").begin_object();
  out.key("prompt_tokens").number(usage.prompt_tokens);
  out.key("total_tokens").number(usage.prompt_tokens);
  out.end_object();
  out.end_object();
  return out.str();
}

std::string embedding_format::opening(std::size_t) {
  return {};
}

std::string embedding_format::piece(std::size_t, std::string_view,
                                    std::uint64_t, std::span<const token>) {
  return {};
}

std::string embedding_format::ending(std::size_t, const reply_summary&) {
  return {};
}

std::string embedding_format::closing(const usage_counts&) {
  return {};
}

} // namespace model_server
