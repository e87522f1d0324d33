// Draws items, wordings and the number of turns, and sorts by length.
#include "models/tiny-chat/conversations.hpp"

#include <algorithm>

namespace model_server::tiny_chat {

namespace {

/// How often a question is one that the model can't know.
constexpr double beyond_share = 0.15;
/// How often such a question is made from `phrases/beyond.txt`.
constexpr double made_share = 0.6;
/// How often another question is made from the key of its item, from its
/// answer, or from two of its wordings.
constexpr double key_share = 0.06, answer_share = 0.14, mixed_share = 0.1;
/// How often a conversation opens with a system message.
constexpr double system_share = 0.2;
/// How often answers are cut short in a conversation, and how many of them: the
/// first words decide which answer it is, and more of those are seen in the
/// same time.
constexpr double short_share = 0.8, cut_share = 0.9;
/// How often a question comes in unusual pieces, and how unusual they are.
constexpr double odd_pieces_share = 0.3, piece_dropout = 0.1;
/// How much a token of a question counts beside one of an answer, and in how
/// many conversations it does.
constexpr float question_weight = 0.2F;
constexpr double read_share = 0.3;
/// Conversations that are sorted by length together.
constexpr std::size_t pool_size = 1024;
/// Turns of a conversation, each as likely as it is often in the list.
const std::vector<std::size_t> turn_counts = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                              1, 1, 2, 2, 2, 3, 3, 4, 6, 10};

} // namespace

void conversation_writer::add(std::int64_t token, float weight) {
  conversation_.tokens.push_back(token);
  conversation_.weights.push_back(weight);
}

void conversation_writer::add(const std::vector<std::int64_t>& tokens,
                              float weight) {
  for (auto token : tokens)
    add(token, weight);
}

void conversation_writer::add_turn(const std::string& role,
                                   const std::string& content, float weight,
                                   double dropout, random_source* random) {
  add(message_start, 0);
  add(tokenizer_.encode(role + "\n" + content, dropout, random), weight);
  close_turn();
}

void conversation_writer::open_answer() {
  add(message_start, 0);
  add(tokenizer_.encode("assistant\n"), 0);
}

void conversation_writer::add_answer(const std::string& answer,
                                     std::size_t limit) {
  auto tokens = tokenizer_.encode(answer);
  auto is_whole = tokens.size() < limit;
  tokens.resize(std::min(tokens.size(), limit));
  add(tokens, 1);
  if (is_whole)
    close_turn(1);
}

void conversation_writer::close_turn(float weight) {
  add(message_end, weight);
  add(tokenizer_.encode("\n"), 0);
}

batch batch_of(const std::vector<const conversation*>& conversations) {
  batch result;
  result.rows = static_cast<std::int64_t>(conversations.size());
  for (const auto* c : conversations)
    result.columns =
        std::max(result.columns, static_cast<std::int64_t>(c->tokens.size()));
  for (const auto* c : conversations)
    for (std::size_t i = 0; i < static_cast<std::size_t>(result.columns); ++i) {
      auto has_next = i + 1 < c->tokens.size();
      result.tokens.push_back(i < c->tokens.size() ? c->tokens[i]
                                                   : end_of_text);
      result.targets.push_back(has_next ? c->tokens[i + 1] : end_of_text);
      result.weights.push_back(has_next ? c->weights[i + 1] : 0.0F);
    }
  return result;
}

conversation_maker::conversation_maker(const std::vector<corpus_item>& items,
                                       const bpe& tokenizer,
                                       const std::filesystem::path& phrases,
                                       std::uint64_t seed)
    : items_(items),
      tokenizer_(tokenizer),
      changer_(phrases),
      hints_(items),
      beyond_maker_(phrases / "beyond.txt"),
      system_messages_(read_lines(phrases / "system.txt")),
      random_(seed) {
  for (const auto& item : items) {
    if (item.key == beyond_key)
      beyond_ = &item;
    for (const auto& wording : item.held_out)
      held_out_.insert(normal_form(wording));
  }
}

const corpus_item& conversation_maker::draw_item() {
  if (beyond_ && random_.chance(beyond_share))
    return *beyond_;
  return random_.one_of(items_);
}

std::string conversation_maker::rough_wording(const corpus_item& item) {
  if (&item == beyond_)
    return random_.chance(made_share) ? beyond_maker_.make(random_)
                                      : random_.one_of(item.wordings);
  if (random_.chance(key_share))
    return hints_.from_key(item, random_);
  if (random_.chance(answer_share))
    return hints_.from_answer(item, random_);
  if (random_.chance(mixed_share))
    return hints_.from_two_wordings(item, random_);
  return random_.one_of(item.wordings);
}

std::string conversation_maker::draw_wording(const corpus_item& item) {
  for (;;) {
    auto wording = changer_.change(rough_wording(item), random_);
    // A change may lead to a wording that is held out: draw again.
    if (held_out_.count(normal_form(wording)) == 0)
      return wording;
  }
}

conversation conversation_maker::draw() {
  conversation_writer writer{tokenizer_};
  if (random_.chance(system_share))
    writer.add_turn("system", random_.one_of(system_messages_));
  auto weight = random_.chance(read_share) ? question_weight : 0.0F;
  auto is_short = random_.chance(short_share);
  for (auto left = random_.one_of(turn_counts); left > 0; --left) {
    const auto& item = draw_item();
    auto dropout = random_.chance(odd_pieces_share) ? piece_dropout : 0.0;
    writer.add_turn("user", draw_wording(item), weight, dropout, &random_);
    writer.open_answer();
    auto is_cut = is_short && random_.chance(cut_share);
    writer.add_answer(item.answer, is_cut ? 4 + random_.below(9) : SIZE_MAX);
    if (is_cut && left > 1)
      writer.close_turn();
  }
  return writer.written();
}

void conversation_maker::refill(std::size_t token_count) {
  std::vector<conversation> pool;
  while (pool.size() < pool_size)
    pool.push_back(draw());
  std::stable_sort(pool.begin(), pool.end(), [](const auto& a, const auto& b) {
    return a.tokens.size() < b.tokens.size();
  });
  std::vector<const conversation*> chosen;
  for (const auto& next : pool) {
    if (!chosen.empty()
        && (chosen.size() + 1) * next.tokens.size() > token_count) {
      ready_.push_back(batch_of(chosen));
      chosen.clear();
    }
    chosen.push_back(&next);
  }
  ready_.push_back(batch_of(chosen));
  for (auto i = ready_.size(); i > 1; --i)
    std::swap(ready_[i - 1], ready_[random_.below(i)]);
}

batch conversation_maker::next(std::size_t token_count) {
  if (ready_.empty())
    refill(token_count);
  auto result = std::move(ready_.back());
  ready_.pop_back();
  return result;
}

} // namespace model_server::tiny_chat
