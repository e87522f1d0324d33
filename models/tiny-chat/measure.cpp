// A greedy answer is right if each of its tokens is the likeliest after those
// before it: one pass over question and answer tells.
#include "models/tiny-chat/measure.hpp"

#include "models/tiny-chat/conversations.hpp"

#include <algorithm>

namespace model_server::tiny_chat {

namespace {

constexpr std::size_t questions_at_once = 32;
constexpr std::size_t longest_answer = 100;

} // namespace

std::vector<bool> answers_rightly(const network& net, const bpe& tokenizer,
                                  const std::vector<question>& questions,
                                  const earlier_turns& before) {
  std::vector<bool> result;
  for (std::size_t first = 0; first < questions.size();
       first += questions_at_once) {
    auto last = std::min(first + questions_at_once, questions.size());
    std::vector<conversation> written;
    for (auto i = first; i < last; ++i) {
      conversation_writer writer{tokenizer};
      if (!before.system.empty())
        writer.add_turn("system", before.system);
      for (const auto& turn : before.turns) {
        writer.add_turn("user", turn.wording);
        writer.add_turn("assistant", turn.answer);
      }
      writer.add_turn("user", questions[i].wording);
      writer.open_answer();
      writer.add_answer(questions[i].answer, SIZE_MAX);
      written.push_back(writer.written());
    }
    std::vector<const conversation*> chosen;
    for (const auto& c : written)
      chosen.push_back(&c);
    auto examples = batch_of(chosen);
    auto best = net.predict(examples);
    auto columns = static_cast<std::size_t>(examples.columns);
    for (std::size_t row = 0; row < written.size(); ++row) {
      auto is_right = true;
      for (auto at = row * columns; at < (row + 1) * columns; ++at)
        if (examples.weights[at] > 0 && best[at] != examples.targets[at])
          is_right = false;
      result.push_back(is_right);
    }
  }
  return result;
}

std::vector<std::string>
greedy_answers(const network& net, const bpe& tokenizer,
               const std::vector<question>& questions) {
  std::vector<std::string> result;
  for (const auto& question : questions) {
    conversation_writer writer{tokenizer};
    writer.add_turn("user", question.wording);
    writer.open_answer();
    auto so_far = writer.written();
    std::vector<std::int64_t> answer;
    while (answer.size() < longest_answer) {
      auto next = net.predict(batch_of({&so_far})).back();
      if (next == message_end)
        break;
      answer.push_back(next);
      so_far.tokens.push_back(next);
      so_far.weights.push_back(0);
    }
    result.push_back(tokenizer.decode(answer));
  }
  return result;
}

} // namespace model_server::tiny_chat
