// A model that says what the test tells it, and breaks when the test wants it.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What a scripted model does, and what was done to it. Shared by the test and
/// every entry made from it; one thread only.
struct script {
  // -- what it does --

  /// The reply to a conversation, by its last turn: a text per token; the one
  /// of the empty turn continues text. A reply that reaches its end is followed
  /// by the end token.
  std::map<std::string, std::vector<std::string>> replies;
  /// Tokens of the prompt of any conversation.
  std::size_t prompt_size = 3;
  std::size_t context_length = 1000;
  std::size_t default_max_tokens = 0;
  sampling_options defaults;
  /// 0 is a model without scores; else the k-th token of a reply has the
  /// logprob -k, and is followed by the ids from 0 on with -1, -2, ...
  std::size_t vocabulary = 0;
  /// Of the model; 0 is unknown.
  std::uint64_t identity = 0;
  /// Not 0: makes embeddings of so many numbers, all equal to the first token.
  /// A text is called by it in `steps`.
  std::size_t embedding_width = 0;
  /// What its cache holds; 0 is none.
  std::size_t cache_tokens = 0;
  /// Tokens that one step makes for each sequence.
  std::size_t tokens_per_step = 1;
  /// What each step says of each sequence.
  std::size_t cached_tokens = 0;
  bool is_waiting = false;
  /// Steps make nothing while this is set.
  bool stalls = false;
  /// Called before each step: may throw, or change the script.
  std::function<void()> before_step;
  /// Asked before each token is made: the last turn and the token's number.
  /// May throw; a text that is not empty ends the reply as failed.
  std::function<std::string(const std::string&, std::size_t)> before_token;
  /// Asked by `encode`; may throw.
  std::function<void(const chat&)> before_encode;

  // -- what was done to it --

  /// The last turns of those who took part, step by step.
  std::vector<std::vector<std::string>> steps;
  std::vector<sequence_id> released;
  std::vector<int> threads;
  /// Of every sequence that was stepped, as it was last.
  std::map<std::string, sampling_params> sampling;
  std::map<std::string, std::size_t> reply_limits;
  int entries_made = 0;
};

/// Runs a script. Token 0 is the end; the others are the texts of the replies,
/// in the order of the map. A text that begins with a space loses it at the
/// start of a turn.
class scripted_entry : public model_entry {
public:
  explicit scripted_entry(std::shared_ptr<script> plan)
      : plan_(std::move(plan)) {
    ++plan_->entries_made;
    for (const auto& [turn, texts] : plan_->replies)
      for (const auto& text : texts)
        if (ids_.emplace(text, texts_.size()).second)
          texts_.push_back(text);
  }

  model_info info() const override {
    return {
        plan_->context_length, {0},  plan_->defaults, plan_->default_max_tokens,
        plan_->vocabulary,     true, plan_->identity, plan_->embedding_width,
        plan_->cache_tokens};
  }

  std::vector<token_id> encode(const chat& conversation) const override {
    if (plan_->before_encode)
      plan_->before_encode(conversation);
    return std::vector<token_id>(plan_->prompt_size, 1);
  }

  std::vector<token_id> encode_text(std::string_view text) const override {
    if (plan_->vocabulary == 0)
      return model_entry::encode_text(text);
    return std::vector<token_id>(plan_->prompt_size, 1);
  }

  std::string decode(token_id token, bool at_start) const override {
    auto text = texts_.at(static_cast<std::size_t>(token));
    return at_start && text.starts_with(' ') ? text.substr(1) : text;
  }

  void step(std::span<sequence* const> batch) override {
    if (plan_->before_step)
      plan_->before_step();
    auto& taken = plan_->steps.emplace_back();
    for (auto* item : batch) {
      if (plan_->embedding_width != 0) {
        embed(*item, taken);
        continue;
      }
      const auto& messages = item->conversation->messages;
      auto turn = messages.empty() ? "" : messages.back().content;
      taken.push_back(turn);
      plan_->sampling[turn] = item->sampling;
      plan_->reply_limits[turn] = item->reply_limit;
      item->cached_tokens = plan_->cached_tokens;
      item->is_waiting = plan_->is_waiting;
      for (std::size_t i = 0; i < plan_->tokens_per_step && !plan_->stalls; ++i)
        extend(*item, turn);
    }
  }

  void release(sequence_id id) override {
    plan_->released.push_back(id);
  }

  void use_threads(int count) override {
    plan_->threads.push_back(count);
  }

private:
  void embed(sequence& item, std::vector<std::string>& taken) {
    auto name = std::to_string(item.tokens.front());
    taken.push_back(name);
    if (plan_->before_token)
      item.failure = plan_->before_token(name, 1);
    if (item.failure.empty() && !plan_->stalls)
      item.embedding.assign(item.dimensions != 0 ? item.dimensions
                                                 : plan_->embedding_width,
                            static_cast<float>(item.tokens.front()));
  }

  // The next token follows from the log alone; a log that is not a beginning
  // of the scripted reply is an error.
  void extend(sequence& item, const std::string& turn) {
    const auto& texts = plan_->replies.at(turn);
    auto made = item.reply_size();
    for (std::size_t k = 0; k < made && k < texts.size(); ++k)
      if (texts_.at(static_cast<std::size_t>(item.tokens[item.prompt_size + k]))
          != texts[k])
        throw std::runtime_error("the log is not what the script says");
    if (plan_->before_token)
      item.failure = plan_->before_token(turn, made + 1);
    if (!item.failure.empty())
      return;
    item.tokens.push_back(
        made < texts.size() ? static_cast<token_id>(ids_.at(texts[made])) : 0);
    if (auto count = item.sampling.top_logprobs) {
      auto& place = item.logprobs.emplace_back();
      place.drawn = -static_cast<float>(made + 1);
      for (token_id id = 0; id < static_cast<token_id>(*count); ++id)
        place.best.push_back({id, -static_cast<float>(id + 1)});
    }
  }

  std::shared_ptr<script> plan_;
  std::map<std::string, std::size_t> ids_;
  std::vector<std::string> texts_{""};
};

/// A reply of `count` tokens, each with a text of its own.
inline std::vector<std::string> numbered_reply(std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 1; i <= count; ++i)
    result.push_back(" " + std::to_string(i));
  return result;
}

/// The texts of a reply, joined as a client sees them.
inline std::string joined(const std::vector<std::string>& texts,
                          std::size_t count = std::string::npos) {
  std::string result;
  for (std::size_t i = 0; i < texts.size() && i < count; ++i)
    result += texts[i];
  return result.starts_with(' ') ? result.substr(1) : result;
}

/// A conversation of one turn.
inline chat says(const std::string& text) {
  return {{{chat_role::user, text}}};
}

} // namespace model_server
