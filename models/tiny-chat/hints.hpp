// Makes rough questions for an item from its key and its answer.
#pragma once

#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/random.hpp"

#include <map>
#include <string>
#include <vector>

namespace model_server::tiny_chat {

/// A question about something uses words of its answer. What this class makes
/// is no good English, but ties more words to an item than its wordings have.
class hint_maker {
public:
  /// Counts how many of the answers have each word.
  explicit hint_maker(const std::vector<corpus_item>& items);

  /// Returns the key as a question: "what is top k".
  std::string from_key(const corpus_item& item, random_source& random) const;

  /// Returns a rare word of the answer with some of those around it.
  std::string from_answer(const corpus_item& item, random_source& random) const;

  /// Returns the beginning of one wording with the end of another.
  std::string from_two_wordings(const corpus_item& item,
                                random_source& random) const;

private:
  std::map<std::string, int> answers_with_;
};

} // namespace model_server::tiny_chat
