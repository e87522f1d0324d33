// Changes of wordings: frames, synonyms, phrases around and words left out.
#include "models/tiny-chat/wording.hpp"

#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/text_pieces.hpp"
#include "models/tiny-chat/typing.hpp"

#include <algorithm>
#include <stdexcept>

namespace model_server::tiny_chat {

namespace {

/// How often each change is made.
struct chances {
  double none = 0.12;
  double frame = 0.35;
  double synonym = 0.2; // for each word or phrase that has one
  double opener = 0.15;
  double closer = 0.1;
  double lost_filler = 0.25;
  double lost_word = 0.08;
};

constexpr chances chance_of;

/// Wordings this short are greetings and the like: a phrase more would change
/// what they say.
constexpr std::size_t shortest_to_extend = 4;

/// Returns what `*` stands for if the wording fits the frame.
bool fits(std::string_view wording, std::string_view frame,
          std::string_view& rest) {
  auto star = frame.find('*');
  auto head = frame.substr(0, star);
  auto tail = frame.substr(star + 1);
  if (wording.size() <= head.size() + tail.size())
    return false;
  if (wording.substr(0, head.size()) != head
      || wording.substr(wording.size() - tail.size()) != tail)
    return false;
  rest =
      wording.substr(head.size(), wording.size() - head.size() - tail.size());
  return true;
}

std::vector<std::vector<std::string>>
read_groups(const std::filesystem::path& file) {
  std::vector<std::vector<std::string>> groups;
  for (const auto& line : read_lines(file))
    groups.push_back(alternatives_of(line));
  return groups;
}

} // namespace

wording_changer::wording_changer(const std::filesystem::path& folder)
    : frames_(read_groups(folder / "frames.txt")),
      synonyms_(read_groups(folder / "synonyms.txt")),
      openers_(read_lines(folder / "openers.txt")),
      closers_(read_lines(folder / "closers.txt")),
      fillers_(read_lines(folder / "fillers.txt")) {
  for (std::size_t i = 0; i < synonyms_.size(); ++i)
    synonyms_of_[synonyms_[i].front()].push_back(i);
}

std::string wording_changer::reframe(const std::string& wording,
                                     random_source& random) const {
  auto text = without_end_marks(wording);
  auto plain = lowered(text);
  std::vector<std::pair<std::size_t, std::string>> fitting;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < frames_.size(); ++i)
    // Only the first alternatives are looked for: the rarer ones are often
    // part of something else.
    for (std::size_t j = 0; j < std::min<std::size_t>(frames_[i].size(), 3);
         ++j) {
      std::string_view rest;
      if (!fits(plain, frames_[i][j], rest))
        continue;
      auto fixed = frames_[i][j].size();
      if (fixed < longest)
        continue;
      if (fixed > longest)
        fitting.clear();
      longest = fixed;
      auto at = static_cast<std::size_t>(rest.data() - plain.data());
      fitting.emplace_back(i, text.substr(at, rest.size()));
    }
  if (fitting.empty())
    return wording;
  const auto& [index, rest] = random.one_of(fitting);
  auto frame = random.one_of(frames_[index]);
  return frame.replace(frame.find('*'), 1, rest);
}

std::string wording_changer::swap_synonyms(const std::string& wording,
                                           random_source& random) const {
  auto words = words_of(wording);
  std::vector<std::string> result;
  for (std::size_t at = 0; at < words.size();) {
    std::size_t taken = 0;
    for (auto length = std::min<std::size_t>(3, words.size() - at);
         length > 0 && taken == 0; --length) {
      std::vector<std::string> part{
          words.begin() + static_cast<std::ptrdiff_t>(at),
          words.begin() + static_cast<std::ptrdiff_t>(at + length)};
      auto text = joined(part);
      auto phrase = without_end_marks(text);
      auto found = synonyms_of_.find(lowered(phrase));
      if (found == synonyms_of_.end() || !random.chance(chance_of.synonym))
        continue;
      const auto& alike = synonyms_[random.one_of(found->second)];
      result.push_back(random.one_of(alike) + text.substr(phrase.size()));
      taken = length;
    }
    if (taken == 0)
      result.push_back(words[at]);
    at += std::max<std::size_t>(taken, 1);
  }
  return joined(result);
}

std::string wording_changer::add_phrases(const std::string& wording,
                                         random_source& random) const {
  if (words_of(wording).size() < shortest_to_extend)
    return wording;
  auto result = wording;
  if (random.chance(chance_of.opener))
    result = random.one_of(openers_) + " " + result;
  if (random.chance(chance_of.closer)) {
    const auto& closer = random.one_of(closers_);
    auto plain = without_end_marks(result);
    auto marks = result.substr(plain.size());
    result = plain + (closer.front() == ',' ? "" : " ") + closer + marks;
  }
  return result;
}

std::string wording_changer::drop_words(const std::string& wording,
                                        random_source& random) const {
  auto words = words_of(wording);
  auto drop = [&](std::size_t at) {
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
  };
  if (words.size() >= shortest_to_extend
      && random.chance(chance_of.lost_filler)) {
    for (std::size_t i = words.size(); i-- > 0;)
      if (std::find(fillers_.begin(), fillers_.end(), lowered(words[i]))
              != fillers_.end()
          && random.chance(0.5) && words.size() > 2)
        drop(i);
  }
  if (words.size() > shortest_to_extend && random.chance(chance_of.lost_word))
    drop(random.below(words.size()));
  return joined(words);
}

std::string wording_changer::change(std::string wording,
                                    random_source& random) const {
  if (random.chance(chance_of.none))
    return wording;
  if (random.chance(chance_of.frame))
    wording = reframe(wording, random);
  wording = swap_synonyms(wording, random);
  wording = add_phrases(wording, random);
  wording = drop_words(wording, random);
  return type_carelessly(std::move(wording), random);
}

std::vector<std::string> wording_changer::phrases() const {
  std::vector<std::string> result;
  for (const auto* groups : {&frames_, &synonyms_})
    for (const auto& alike : *groups)
      for (auto phrase : alike) {
        std::replace(phrase.begin(), phrase.end(), '*', ' ');
        result.push_back(phrase);
      }
  for (const auto* list : {&openers_, &closers_})
    result.insert(result.end(), list->begin(), list->end());
  return result;
}

} // namespace model_server::tiny_chat
