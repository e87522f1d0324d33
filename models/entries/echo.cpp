// Repeats the last user message, one character a step: a model without weights
// for trying things out and for measuring everything around a model.
#include "models/entries/batch_entry.hpp"
#include "models/model_catalog.hpp"

#include <chrono>
#include <thread>

namespace model_server {

namespace {

const chat_message* last_user_message(const chat& conversation) {
  const auto& messages = conversation.messages;
  auto found =
      std::find_if(messages.rbegin(), messages.rend(), [](const auto& message) {
        return message.role == chat_role::user;
      });
  return found == messages.rend() ? nullptr : &*found;
}

class echo : public batch_entry {
public:
  explicit echo(const named_params& params)
      : prefix_(params.string_or("prefix", {})),
        delay_(params.integer_or("delay_ms", 0, 0, 60'000)),
        context_length_(static_cast<std::size_t>(
            params.integer_or("context_length", 1 << 20, 1, 1 << 30))) {
    // nop
  }

  model_info info() const override {
    auto result = batch_entry::info();
    result.context_length = context_length_;
    return result;
  }

  std::vector<token_id> encode(const chat& conversation) const override {
    if (last_user_message(conversation) == nullptr)
      throw bad_chat("echo repeats the last user message, and there is none");
    return batch_entry::encode(conversation);
  }

  void step(std::span<sequence* const> batch) override {
    std::this_thread::sleep_for(delay_);
    batch_entry::step(batch);
  }

protected:
  std::vector<std::string> answer(std::span<const batch_item> chats) override {
    std::vector<std::string> result;
    for (const auto& [conversation, sampling, limit] : chats) {
      auto text = prefix_ + last_user_message(conversation)->content;
      // A turn that the agent has begun is finished, not said again.
      if (conversation.continues_agent()) {
        const auto& begun = conversation.messages.back().content;
        if (text.starts_with(begun))
          text.erase(0, begun.size());
      }
      result.push_back(std::move(text));
    }
    return result;
  }

  std::size_t tokens_per_step() const override {
    return 1;
  }

private:
  std::string prefix_;
  std::chrono::milliseconds delay_;
  std::size_t context_length_;
};

} // namespace

std::unique_ptr<model_entry> make_echo(const entry_spec& spec) {
  return std::make_unique<echo>(
      spec.params.bind({"delay_ms", "prefix", "context_length"}));
}

void check_echo(const entry_params& params) {
  make_echo({params});
}

} // namespace model_server
