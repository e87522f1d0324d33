// The simple way to a model: a batch of chats in, a whole answer each out.
// Inline, so that a plug-in carries its own copy.
#pragma once

#include "models/entries/code_points.hpp"
#include "models/entry.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace model_server {

/// One chat to answer. The references are valid during the call alone.
struct batch_item {
  const chat& conversation;
  const sampling_params& sampling;
  /// Characters (code points) the answer may have; what is longer is cut off.
  /// 0 is no limit.
  std::size_t max_tokens = 0;
};

/// Base of a model that implements one function, `answer`. Its tokens are
/// Unicode code points. An answer is asked for once per reply, in one call for
/// all that came in since the last step; a reply that began on another worker
/// is asked for again and goes on where it stood, so an answer should depend on
/// the chat, the sampling and its seed alone.
class batch_entry : public model_entry {
public:
  /// Override to state another context length; keep the end token.
  model_info info() const override {
    model_info result;
    result.context_length = std::size_t{1} << 20;
    result.end_tokens = {code_point_end};
    result.is_exact = true; // the same question, the same answer
    return result;
  }

  /// The code points of all turns, each with a line end. Override to refuse
  /// chats by throwing `bad_chat`.
  std::vector<token_id> encode(const chat& conversation) const override {
    std::vector<token_id> result;
    for (const auto& message : conversation.messages) {
      append_code_points(result, message.content);
      result.push_back('\n');
    }
    return result;
  }

  std::string decode(token_id token, bool) const final {
    return code_point_text(token);
  }

  void step(std::span<sequence* const> batch) override {
    answer_new(batch);
    for (auto* one : batch) {
      const auto& whole = answers_.at(one->id);
      auto begin = std::min(one->reply_size(), whole.size() - 1);
      auto count = whole.size() - begin;
      if (auto limit = tokens_per_step(); limit != 0)
        count = std::min(count, limit);
      auto from = whole.begin() + static_cast<std::ptrdiff_t>(begin);
      one->tokens.insert(one->tokens.end(), from,
                         from + static_cast<std::ptrdiff_t>(count));
    }
  }

  void release(sequence_id id) final {
    answers_.erase(id);
  }

protected:
  /// Answers every chat, in order. Called from one thread, never twice at a
  /// time. Throws if the model is broken; its replies then go to another
  /// worker.
  virtual std::vector<std::string>
  answer(std::span<const batch_item> chats) = 0;

  /// Code points that a step hands out of an answer; 0 is all of it.
  virtual std::size_t tokens_per_step() const {
    return 0;
  }

private:
  void answer_new(std::span<sequence* const> batch) {
    std::vector<const sequence*> fresh;
    std::vector<batch_item> items;
    for (const auto* one : batch) {
      if (answers_.contains(one->id))
        continue;
      fresh.push_back(one);
      items.push_back({*one->conversation, one->sampling, one->max_tokens});
    }
    if (items.empty())
      return;
    auto texts = answer(items);
    if (texts.size() != items.size())
      throw std::runtime_error("answer() gave " + std::to_string(texts.size())
                               + " texts for " + std::to_string(items.size())
                               + " chats");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto& whole = answers_[fresh[i]->id];
      append_code_points(whole, texts[i]);
      whole.push_back(code_point_end);
    }
  }

  // Each with its end token, by sequence.
  std::unordered_map<sequence_id, std::vector<token_id>> answers_;
};

} // namespace model_server
