// Names of the states that messages carry, and CAF's list of the messages.
#include "actors/messages.hpp"

#include "actors/interfaces.hpp"
#include "actors/message_types.hpp"

namespace model_server {

std::string to_string(entity_state state) {
  switch (state) {
  case entity_state::loading:
    return "loading";
  case entity_state::ready:
    return "ready";
  case entity_state::restarting:
    return "restarting";
  case entity_state::failed:
    return "failed";
  case entity_state::leaving:
    return "leaving";
  }
  return "failed";
}

std::string to_string(model_state state) {
  switch (state) {
  case model_state::inactive:
    return "inactive";
  case model_state::loading:
    return "loading";
  case model_state::ready:
    return "ready";
  case model_state::degraded:
    return "degraded";
  }
  return "inactive";
}

std::string to_string(finish_reason reason) {
  switch (reason) {
  case finish_reason::none:
    return "none";
  case finish_reason::stop:
    return "stop";
  case finish_reason::length:
    return "length";
  }
  return "none";
}

void add_message_types(caf::actor_system_config& config) {
  config.add_message_type<submit>("submit")
      .add_message_type<admitted>("admitted")
      .add_message_type<credit>("credit")
      .add_message_type<cancel>("cancel")
      .add_message_type<end_replies>("end_replies")
      .add_message_type<add_device>("add_device")
      .add_message_type<remove_device>("remove_device")
      .add_message_type<activate_model>("activate_model")
      .add_message_type<unload_model>("unload_model")
      .add_message_type<make_room>("make_room")
      .add_message_type<reload_models>("reload_models")
      .add_message_type<get_status>("get_status")
      .add_message_type<get_stories>("get_stories")
      .add_message_type<get_story>("get_story")
      .add_message_type<story_begun>("story_begun")
      .add_message_type<reply_story>("reply_story")
      .add_message_type<request_stories>("request_stories")
      .add_message_type<tokenize>("tokenize")
      .add_message_type<detokenize>("detokenize")
      .add_message_type<drain>("drain")
      .add_message_type<token_chunk>("token_chunk")
      .add_message_type<step_chunks>("step_chunks")
      .add_message_type<reply_failed>("reply_failed")
      .add_message_type<moved>("moved")
      .add_message_type<routed>("routed")
      .add_message_type<worker_gone>("worker_gone")
      .add_message_type<start_worker>("start_worker")
      .add_message_type<stop_worker>("stop_worker")
      .add_message_type<node_here>("node_here")
      .add_message_type<worker_here>("worker_here")
      .add_message_type<worker_ended>("worker_ended")
      .add_message_type<stop_reply>("stop_reply")
      .add_message_type<written>("written")
      .add_message_type<client_left>("client_left")
      .add_message_type<worker_load>("worker_load")
      .add_message_type<load_progress>("load_progress")
      .add_message_type<worker_ready>("worker_ready")
      .add_message_type<model_status>("model_status")
      .add_message_type<server_status>("server_status")
      .add_message_type<tokenized>("tokenized")
      .add_message_type<detokenized>("detokenized")
      .add_message_type<room>("room")
      .add_message_type<reload_report>("reload_report")
      .add_message_type<device_report>("device_report")
      .add_message_type<token_sink>("token_sink")
      .add_message_type<load_watcher>("load_watcher")
      .add_message_type<token_router>("token_router")
      .add_message_type<reply_actor>("reply_actor")
      .add_message_type<worker_actor>("worker_actor")
      .add_message_type<worker_owner>("worker_owner")
      .add_message_type<node_actor>("node_actor")
      .add_message_type<memory_keeper_actor>("memory_keeper_actor")
      .add_message_type<reloader_actor>("reloader_actor")
      .add_message_type<supervisor_actor>("supervisor_actor")
      .add_message_type<history_actor>("history_actor")
      .add_message_type<gateway_actor>("gateway_actor");
  config.add_error_category(
      error_category,
      [](std::uint8_t code, caf::atom_value, const caf::message&) {
        return to_string(static_cast<errc>(code));
      });
}

} // namespace model_server
