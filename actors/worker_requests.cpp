// Checks, encodes and queues.
#include "actors/worker_requests.hpp"

#include "actors/prompt_tokens.hpp"
#include "actors/request_check.hpp"

#include <caf/expected.hpp>

#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace model_server {

namespace {

caf::error queue_is_full(const worker_state& state, std::string what) {
  return to_error({errc::queue_full, std::move(what), "",
                   state.speed.seconds_for(state.queue.waiting())});
}

caf::error too_many_wait(const worker_state& state) {
  return queue_is_full(
      state, fmt::format("{} requests are waiting, the limit is {}",
                         state.queue.waiting(), state.queue.limits().requests));
}

caf::error too_long_prompts_wait(const worker_state& state) {
  return queue_is_full(
      state, fmt::format("prompts of {} tokens are waiting, with this one it "
                         "would be more than the limit of {}",
                         state.queue.waiting_tokens(),
                         state.queue.limits().prompt_tokens));
}

caf::error takes_nothing() {
  return to_error({errc::model_loading, "this worker takes nothing", "", 1});
}

// The tokens of a prompt, or why the client gets none. A model that breaks on
// it ends this worker; `id` is the reply that it does so for, 0 is none.
caf::expected<std::vector<token_id>> encode(worker_pointer self,
                                            const reply_prompt& prompt,
                                            const std::string& param,
                                            request_id id) {
  auto& state = self->state;
  step_place place{id, 0};
  state.options.page->enter({&place, 1}, self->clock().now());
  try {
    auto found = tokens_of(prompt, param, *state.entry, state.info);
    state.options.page->leave();
    if (auto* refused = std::get_if<failure>(&found))
      return to_error(*refused);
    return std::move(std::get<std::vector<token_id>>(found));
  } catch (...) {
    self->quit(
        broken_model(self, errc::model_failed, std::current_exception()));
    return to_error(
        {errc::worker_lost, "the model failed on this chat", "", 0});
  }
}

} // namespace

caf::result<admitted> admit(worker_pointer self, submit& order,
                            const token_sink& sink) {
  auto& state = self->state;
  // A supervisor sends nothing before it is told that the worker is ready, nor
  // after it told the worker to go.
  if (!state.entry || state.is_closing)
    return takes_nothing();
  ++state.submits;
  schedule_step(self);
  auto may_be_refused = !order.resumed && !order.has_right_of_way;
  auto is_counted = may_be_refused && !order.is_promised;
  if (may_be_refused && state.queue.is_full())
    return too_many_wait(state);
  // It would be in vain to encode it.
  if (is_counted && !state.queue.has_room_for(1))
    return too_long_prompts_wait(state);
  if (auto what = check_request(order.request, state.info))
    return to_error(*what);
  auto param = param_of(order.request.prompt.form, order.request.task);
  auto prompt = encode(self, order.request.prompt, param, order.request.id);
  if (!prompt)
    return prompt.error();
  auto prompt_size = prompt->size();
  if (auto what =
          check_size(prompt_size, param, order.request.task, state.info))
    return to_error(*what);
  if (is_counted && !state.queue.has_room_for(prompt_size))
    return too_long_prompts_wait(state);
  if (auto old = state.queue.take(order.request.id))
    retire(self, *old);
  if (state.known_sinks.insert(sink.address()).second)
    self->monitor(sink);
  state.queue.add(std::make_unique<generation>(
      std::move(order), sink, std::move(*prompt), ++state.last_sequence,
      state.info, self->clock().now()));
  return admitted{state.options.incarnation, state.options.device,
                  static_cast<std::uint32_t>(prompt_size)};
}

caf::result<tokenized> answer(worker_pointer self, const tokenize& question) {
  auto& state = self->state;
  if (!state.entry || state.is_closing)
    return takes_nothing();
  auto tokens =
      encode(self, question.prompt, param_of(question.prompt.form), 0);
  if (!tokens)
    return tokens.error();
  return tokenized{std::move(*tokens), state.info.context_length};
}

caf::result<detokenized> answer(worker_pointer self,
                                const detokenize& question) {
  auto& state = self->state;
  if (!state.entry || state.is_closing)
    return takes_nothing();
  if (auto what = check_tokens(question.tokens, "tokens", state.info))
    return to_error(*what);
  return detokenized{text_of(question.tokens, *state.entry)};
}

} // namespace model_server
