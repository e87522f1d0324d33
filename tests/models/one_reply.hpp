// One reply in progress, for tests of entries.
#pragma once

#include "models/entry.hpp"

#include <string>
#include <vector>

namespace model_server::testing {

/// One reply and the chat it answers.
struct reply {
  chat conversation;
  sequence state;

  reply(const model_entry& entry, sequence_id id, const std::string& text,
        sampling_params sampling) {
    conversation.messages = {{chat_role::user, text}};
    state.id = id;
    state.conversation = &conversation;
    state.tokens = entry.encode(conversation);
    state.prompt_size = state.tokens.size();
    state.sampling = sampling;
  }
  reply(const reply&) = delete;

  /// The tokens of the reply so far.
  std::vector<token_id> made() const {
    return {state.tokens.begin()
                + static_cast<std::ptrdiff_t>(state.prompt_size),
            state.tokens.end()};
  }
};

/// Steps a reply until it has `count` tokens, or fails.
inline void finish(model_entry& entry, reply& one, std::size_t count) {
  one.state.reply_limit = count;
  while (one.state.reply_size() < count && one.state.failure.empty()) {
    sequence* batch[] = {&one.state};
    entry.step(batch);
  }
}

} // namespace model_server::testing
