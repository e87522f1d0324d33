// Which prompts a worker has read lately.
#include "actors/prefix_affinity.hpp"

#include <string_view>

namespace model_server {

namespace {

// FNV-1a; nothing depends on it but speed, a collision costs a wrong guess.
class running_hash {
public:
  void add(char byte) {
    value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }

  std::uint64_t value() const {
    return value_;
  }

private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

} // namespace

prompt_trail::prompt_trail(const reply_prompt& prompt) {
  running_hash hash;
  auto add = [&](std::string_view bytes) {
    for (auto byte : bytes) {
      hash.add(byte);
      if (++bytes_ % step_bytes == 0)
        steps_.push_back(hash.value());
    }
  };
  for (const auto& message : prompt.conversation.messages) {
    auto role = static_cast<char>(message.role);
    add({&role, 1});
    add(message.content);
  }
  add(prompt.text);
  for (auto token : prompt.tokens)
    add({reinterpret_cast<const char*>(&token), sizeof(token)});
}

std::size_t prefix_memory::known_steps(const prompt_trail& trail) const {
  // A step stands for all before it, so the first that is unknown is the end.
  std::size_t result = 0;
  for (auto step : trail.steps()) {
    if (!known_.contains(step))
      break;
    ++result;
  }
  return result;
}

void prefix_memory::read(const prompt_trail& trail) {
  // From the end, so that beginnings, which others share, are forgotten last.
  const auto& steps = trail.steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (auto found = known_.find(*step); found != known_.end())
      order_.erase(found->second);
    order_.push_front(*step);
    known_[*step] = order_.begin();
  }
  while (order_.size() > most_steps_) {
    known_.erase(order_.back());
    order_.pop_back();
  }
}

} // namespace model_server
