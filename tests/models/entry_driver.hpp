// Runs sequences of an entry as a worker would, without one.
#pragma once

#include "models/entry.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace model_server::testing {

/// One user message.
inline chat ask(std::string text) {
  return {{{chat_role::user, std::move(text)}}};
}

/// A reply in progress; does not move, because the sequence points into it.
class driven_reply {
public:
  /// `begun` are reply tokens made elsewhere.
  driven_reply(const model_entry& entry, sequence_id id, chat conversation,
               sampling_params sampling = {}, std::vector<token_id> begun = {})
      : conversation_(std::move(conversation)),
        end_tokens_(entry.info().end_tokens) {
    state.id = id;
    state.conversation = &conversation_;
    state.tokens = entry.encode(conversation_);
    state.prompt_size = state.tokens.size();
    state.sampling = sampling;
    state.tokens.insert(state.tokens.end(), begun.begin(), begun.end());
  }
  driven_reply(const driven_reply&) = delete;
  driven_reply& operator=(const driven_reply&) = delete;

  /// Reply tokens up to the first end token, without it.
  std::vector<token_id> tokens() const {
    return {reply_begin(), end()};
  }

  bool has_ended() const {
    return end() != state.tokens.end();
  }

  sequence state;

private:
  std::vector<token_id>::const_iterator reply_begin() const {
    return state.tokens.begin()
           + static_cast<std::ptrdiff_t>(state.prompt_size);
  }

  std::vector<token_id>::const_iterator end() const {
    return std::find_first_of(reply_begin(), state.tokens.end(),
                              end_tokens_.begin(), end_tokens_.end());
  }

  chat conversation_;
  std::vector<token_id> end_tokens_;
};

/// One step of several replies together.
inline void step(model_entry& entry, std::vector<driven_reply*> replies) {
  std::vector<sequence*> batch;
  for (auto* reply : replies)
    batch.push_back(&reply->state);
  entry.step(batch);
}

/// Steps one reply alone until it ends, fails or has `most` tokens; releases
/// it. Gives at most `most` tokens.
inline std::vector<token_id> run_alone(model_entry& entry, driven_reply& reply,
                                       std::size_t most = 100'000) {
  while (!reply.has_ended() && reply.state.failure.empty()
         && reply.state.reply_size() < most)
    step(entry, {&reply});
  entry.release(reply.state.id);
  auto result = reply.tokens();
  result.resize(std::min(result.size(), most));
  return result;
}

/// The text of a whole reply.
inline std::string text_of(const model_entry& entry,
                           const std::vector<token_id>& tokens) {
  std::string result;
  for (auto token : tokens)
    result += entry.decode(token, result.empty());
  return result;
}

/// Runs `conversation` alone and gives its text.
inline std::string answer_of(model_entry& entry, chat conversation,
                             std::uint64_t seed = 0) {
  sampling_params sampling;
  sampling.seed = seed;
  driven_reply reply{entry, 1, std::move(conversation), sampling};
  return text_of(entry, run_alone(entry, reply));
}

} // namespace model_server::testing
