// Words of keys, answers and wordings, put together anew.
#include "models/tiny-chat/hints.hpp"

#include "models/tiny-chat/text_pieces.hpp"

#include <algorithm>
#include <set>

namespace model_server::tiny_chat {

namespace {

/// A word is rare if no more answers than this have it.
constexpr int rare_answers = 5;

const std::vector<std::string> openings = {"",
                                           "",
                                           "",
                                           "",
                                           "what is",
                                           "what are",
                                           "what does",
                                           "what",
                                           "how",
                                           "how does",
                                           "how do i",
                                           "why",
                                           "why is",
                                           "explain",
                                           "tell me about",
                                           "is there",
                                           "is the",
                                           "can i",
                                           "which",
                                           "what about",
                                           "where is",
                                           "what happens when",
                                           "do i need",
                                           "when"};

std::string opened(const std::string& words, random_source& random) {
  const auto& opening = random.one_of(openings);
  return opening.empty() ? words : opening + " " + words;
}

std::vector<std::string> plain_words(const std::string& text) {
  auto words = words_of(text);
  for (auto& word : words) {
    word = without_end_marks(word);
    if (!word.empty() && word.back() == ':')
      word.pop_back();
  }
  return words;
}

} // namespace

hint_maker::hint_maker(const std::vector<corpus_item>& items) {
  for (const auto& item : items) {
    std::set<std::string> seen;
    for (const auto& word : plain_words(item.answer))
      if (seen.insert(lowered(word)).second)
        ++answers_with_[lowered(word)];
  }
}

std::string hint_maker::from_key(const corpus_item& item,
                                 random_source& random) const {
  auto words = item.key;
  std::replace(words.begin(), words.end(), '-', ' ');
  return opened(words, random);
}

std::string hint_maker::from_answer(const corpus_item& item,
                                    random_source& random) const {
  auto words = plain_words(item.answer);
  std::vector<std::size_t> rare;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (answers_with_.at(lowered(words[i])) <= rare_answers)
      rare.push_back(i);
  if (rare.empty())
    return from_key(item, random);
  auto centre = random.one_of(rare);
  auto first = centre - std::min(centre, random.below(4));
  auto last = std::min(words.size() - 1, centre + random.below(4));
  std::vector<std::string> kept;
  for (auto i = first; i <= last; ++i)
    if (i == centre || random.chance(0.8))
      kept.push_back(words[i]);
  return opened(lowered(joined(kept)), random);
}

std::string hint_maker::from_two_wordings(const corpus_item& item,
                                          random_source& random) const {
  auto front = words_of(random.one_of(item.wordings));
  auto back = words_of(random.one_of(item.wordings));
  front.resize((front.size() + 1) / 2);
  front.insert(front.end(),
               back.begin() + static_cast<std::ptrdiff_t>(back.size() / 2),
               back.end());
  return joined(front);
}

} // namespace model_server::tiny_chat
