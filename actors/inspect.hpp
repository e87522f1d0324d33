// How every message is serialised; CAF finds these by their argument.
#pragma once

#include "actors/messages.hpp"

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>

#include <array>
#include <cstdint>

namespace model_server {

template <class Inspector>
using inspected = typename Inspector::result_type;

// -- values inside messages ---------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, failure& x) {
  return f(caf::meta::type_name("failure"), x.code, x.message, x.param,
           x.retry_after);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, chat_message& x) {
  return f(caf::meta::type_name("chat_message"), x.role, x.content);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, chat& x) {
  return f(caf::meta::type_name("chat"), x.messages, x.template_arguments);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, reply_prompt& x) {
  return f(caf::meta::type_name("reply_prompt"), x.form, x.conversation, x.text,
           x.tokens);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, token_bias& x) {
  return f(caf::meta::type_name("token_bias"), x.id, x.bias);
}

/// The optionals of `sampling_options`, which CAF 0.17 can't inspect: a bit for
/// each one that is set, the numbers first, and its value.
struct flat_sampling_options {
  std::uint16_t set = 0;
  std::array<double, 7> numbers{};
  std::int64_t top_k = 0;
  std::uint32_t top_logprobs = 0;
};

/// Both ways between the two forms; `unflatten` leaves the other fields alone.
flat_sampling_options flatten(const sampling_options& x);
void unflatten(const flat_sampling_options& flat, sampling_options& x);

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, sampling_options& x) {
  auto flat = flatten(x);
  auto& n = flat.numbers;
  auto unpack = [&]() -> caf::error {
    unflatten(flat, x);
    return caf::none;
  };
  return f(caf::meta::type_name("sampling_options"), flat.set, n[0], n[1], n[2],
           n[3], n[4], n[5], n[6], flat.top_k, flat.top_logprobs, x.logit_bias,
           x.stop_tokens, x.min_tokens, x.ignore_eos,
           caf::meta::load_callback(unpack));
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, generation_request& x) {
  return f(caf::meta::type_name("generation_request"), x.id, x.model, x.prompt,
           x.sampling, x.seed, x.max_tokens, x.priority, x.stop, x.task,
           x.dimensions);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, likely_token& x) {
  return f(caf::meta::type_name("likely_token"), x.text, x.logprob);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, token& x) {
  return f(caf::meta::type_name("token"), x.id, x.text, x.logprob, x.likeliest);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, prompt_reading& x) {
  return f(caf::meta::type_name("prompt_reading"), x.steps, x.time);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_counts& x) {
  return f(caf::meta::type_name("worker_counts"), x.steps, x.step_places,
           x.cache_blocks, x.cache_blocks_used, x.memory_bytes);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, entity_status& x) {
  return f(caf::meta::type_name("entity_status"), x.device, x.node, x.state,
           x.loaded, x.is_exact, x.running, x.waiting, x.tokens_per_second,
           x.restarts, x.reason, x.cache_blocks, x.cache_blocks_used,
           x.memory_bytes, x.is_on_demand, x.bytes);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, model_version& x) {
  return f(caf::meta::type_name("model_version"), x.setting, x.identity);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, node_device& x) {
  return f(caf::meta::type_name("node_device"), x.name, x.is_accelerator,
           x.free_bytes);
}

// -- down the tree ------------------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, submit& x) {
  return f(caf::meta::type_name("submit"), x.request, x.log, x.attempt,
           x.credit, x.resumed, x.suspect_until, x.has_right_of_way,
           x.is_promised, x.version);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, admitted& x) {
  return f(caf::meta::type_name("admitted"), x.incarnation, x.device,
           x.prompt_tokens);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, credit& x) {
  return f(caf::meta::type_name("credit"), x.id, x.up_to);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, cancel& x) {
  return f(caf::meta::type_name("cancel"), x.id);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, end_replies& x) {
  return f(caf::meta::type_name("end_replies"), x.reason);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, add_device& x) {
  return f(caf::meta::type_name("add_device"), x.model, x.device, x.wait);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, remove_device& x) {
  return f(caf::meta::type_name("remove_device"), x.model, x.device);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, activate_model& x) {
  return f(caf::meta::type_name("activate_model"), x.model, x.device);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, unload_model& x) {
  return f(caf::meta::type_name("unload_model"), x.model);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, make_room& x) {
  return f(caf::meta::type_name("make_room"), x.model, x.bytes, x.devices);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, reload_models&) {
  return f(caf::meta::type_name("reload_models"));
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, get_status&) {
  return f(caf::meta::type_name("get_status"));
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, get_stories& x) {
  return f(caf::meta::type_name("get_stories"), x.id);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, get_story&) {
  return f(caf::meta::type_name("get_story"));
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, tokenize& x) {
  return f(caf::meta::type_name("tokenize"), x.model, x.prompt);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, detokenize& x) {
  return f(caf::meta::type_name("detokenize"), x.model, x.tokens);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, drain& x) {
  return f(caf::meta::type_name("drain"), x.limit);
}

// -- up to the reply ----------------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, token_chunk& x) {
  return f(caf::meta::type_name("token_chunk"), x.id, x.incarnation, x.first,
           x.tokens, x.finish, x.cached_tokens, x.embedding, x.batch_size,
           x.reading);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, step_chunks& x) {
  return f(caf::meta::type_name("step_chunks"), x.chunks);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, reply_failed& x) {
  return f(caf::meta::type_name("reply_failed"), x.id, x.incarnation, x.reason);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, routed& x) {
  return f(caf::meta::type_name("routed"), x.incarnation, x.version);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, step_place& x) {
  return f(caf::meta::type_name("step_place"), x.id, x.tokens);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_end& x) {
  return f(caf::meta::type_name("worker_end"), x.is_fault, x.batch_is_known,
           x.batch);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_gone& x) {
  return f(caf::meta::type_name("worker_gone"), x.model, x.incarnation, x.end,
           x.reason);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_ticket& x) {
  return f(caf::meta::type_name("worker_ticket"), x.model, x.incarnation,
           x.secret);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, queue_limits& x) {
  return f(caf::meta::type_name("queue_limits"), x.requests, x.prompt_tokens,
           x.wait);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, start_worker& x) {
  return f(caf::meta::type_name("start_worker"), x.ticket, x.device,
           x.shown_device, x.batch_size, x.queue, x.setting);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, stop_worker& x) {
  return f(caf::meta::type_name("stop_worker"), x.model, x.incarnation,
           x.at_once);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, node_here& x) {
  return f(caf::meta::type_name("node_here"), x.name, x.devices, x.models);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_here& x) {
  return f(caf::meta::type_name("worker_here"), x.ticket);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_ended& x) {
  return f(caf::meta::type_name("worker_ended"), x.incarnation, x.reason,
           x.end);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, moved& x) {
  return f(caf::meta::type_name("moved"), x.id, x.incarnation);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, stop_reply& x) {
  return f(caf::meta::type_name("stop_reply"), x.reason);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, written& x) {
  return f(caf::meta::type_name("written"), x.up_to);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, client_left&) {
  return f(caf::meta::type_name("client_left"));
}

// -- reports ------------------------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, load_progress& x) {
  return f(caf::meta::type_name("load_progress"), x.incarnation, x.done);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_load& x) {
  return f(caf::meta::type_name("worker_load"), x.incarnation, x.submits,
           x.running, x.waiting, x.tokens_to_do, x.tokens_per_second, x.counts);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, worker_ready& x) {
  return f(caf::meta::type_name("worker_ready"), x.incarnation,
           x.context_length, x.is_exact, x.identity);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, model_status& x) {
  return f(caf::meta::type_name("model_status"), x.name, x.entry, x.state,
           x.batch_size, x.entities, x.loads_on_demand, x.keep_alive, x.idle,
           x.is_removed);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, node_status& x) {
  return f(caf::meta::type_name("node_status"), x.name, x.devices);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, server_status& x) {
  return f(caf::meta::type_name("server_status"), x.models, x.nodes,
           x.draining);
}

// -- stories ------------------------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, trace_context& x) {
  return f(caf::meta::type_name("trace_context"), x.trace_id, x.span_id,
           x.is_sampled, x.state);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, request_names& x) {
  return f(caf::meta::type_name("request_names"), x.public_id, x.reply_id,
           x.trace, x.received);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, story_event& x) {
  return f(caf::meta::type_name("story_event"), x.step, x.at, x.device, x.from,
           x.reason, x.prompt_steps, x.prompt_time, x.cached_tokens);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, step_summary& x) {
  return f(caf::meta::type_name("step_summary"), x.count, x.least_batch,
           x.largest_batch, x.batch_sum);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, reply_story& x) {
  return f(caf::meta::type_name("reply_story"), x.id, x.names, x.index, x.model,
           x.device, x.is_over, x.prompt_tokens, x.completion_tokens,
           x.cached_tokens, x.steps, x.events, x.events_left_out);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, story_begun& x) {
  return f(caf::meta::type_name("story_begun"), x.id, x.public_id, x.reply_id);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, request_stories& x) {
  return f(caf::meta::type_name("request_stories"), x.replies);
}

// -- answers ------------------------------------------------------------------

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, tokenized& x) {
  return f(caf::meta::type_name("tokenized"), x.tokens, x.context_length);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, detokenized& x) {
  return f(caf::meta::type_name("detokenized"), x.text);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, room& x) {
  return f(caf::meta::type_name("room"), x.device);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, reload_report& x) {
  return f(caf::meta::type_name("reload_report"), x.added, x.removed, x.changed,
           x.unchanged);
}

template <class Inspector>
inspected<Inspector> inspect(Inspector& f, device_report& x) {
  return f(caf::meta::type_name("device_report"), x.device, x.state,
           x.unchanged, x.moved_replies);
}

} // namespace model_server
