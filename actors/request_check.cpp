// What only the worker can say of a request.
#include "actors/request_check.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

failure needs_scores(const std::string& field) {
  return {errc::unsupported_field,
          fmt::format("{} is not supported by this model: it does not draw its "
                      "tokens from scores",
                      field),
          field, 0};
}

failure beyond_vocabulary(const std::string& param, token_id id,
                          std::size_t vocabulary) {
  return {errc::out_of_range,
          fmt::format("{}: there is no token {}; the model's ids are 0 to {}",
                      param, id, vocabulary - 1),
          param, 0};
}

failure is_no_task_of(const model_info& info) {
  return {errc::wrong_task,
          info.embedding_width == 0
              ? "this model writes replies, it makes no embeddings"
              : "this model makes embeddings, it writes no replies",
          "model", 0};
}

failure has_fewer(std::size_t dimensions, std::size_t width) {
  return {errc::out_of_range,
          fmt::format("dimensions is {}; it must be 1 to {}, which are all "
                      "numbers of the model's embeddings",
                      dimensions, width),
          "dimensions", 0};
}

bool has_token(const model_info& info, token_id id) {
  return id >= 0 && static_cast<std::size_t>(id) < info.vocabulary;
}

std::optional<failure> check_sampling(const sampling_options& asked,
                                      const model_info& info) {
  auto has_scores = info.vocabulary != 0;
  if (!has_scores && !asked.logit_bias.empty())
    return needs_scores("logit_bias");
  if (!has_scores && asked.top_logprobs)
    return needs_scores("logprobs");
  if (!has_scores)
    return std::nullopt;
  for (auto [id, bias] : asked.logit_bias)
    if (!has_token(info, id))
      return beyond_vocabulary(fmt::format("logit_bias.{}", id), id,
                               info.vocabulary);
  for (std::size_t i = 0; i < asked.stop_tokens.size(); ++i)
    if (auto id = asked.stop_tokens[i]; !has_token(info, id))
      return beyond_vocabulary(fmt::format("stop_token_ids[{}]", i), id,
                               info.vocabulary);
  return std::nullopt;
}

} // namespace

std::optional<failure> check_request(const generation_request& asked,
                                     const model_info& info) {
  auto is_embedding = asked.task == request_task::embedding;
  if (is_embedding != (info.embedding_width != 0))
    return is_no_task_of(info);
  if (!is_embedding)
    return check_sampling(asked.sampling, info);
  if (asked.dimensions > info.embedding_width)
    return has_fewer(asked.dimensions, info.embedding_width);
  return std::nullopt;
}

std::optional<failure> check_tokens(std::span<const token_id> tokens,
                                    const std::string& param,
                                    const model_info& info) {
  if (!tokens.empty() && info.vocabulary == 0)
    return failure{errc::unsupported_field,
                   fmt::format("{} has token ids, and this model has no "
                               "vocabulary",
                               param),
                   param, 0};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (!has_token(info, tokens[i]))
      return beyond_vocabulary(fmt::format("{}[{}]", param, i), tokens[i],
                               info.vocabulary);
  return std::nullopt;
}

} // namespace model_server
