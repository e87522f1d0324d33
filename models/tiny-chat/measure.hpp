// Measures how many questions the network answers rightly.
#pragma once

#include "models/tiny-chat/bpe.hpp"
#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/network.hpp"

#include <string>
#include <vector>

namespace model_server::tiny_chat {

/// A question with the answer that is right.
struct question {
  std::string wording;
  std::string answer;
};

/// What comes before a question when it is measured.
struct earlier_turns {
  /// Empty for none.
  std::string system;
  std::vector<question> turns;
};

/// Returns for each question whether the network's greedy answer is the right
/// one, letter for letter and with its end.
std::vector<bool> answers_rightly(const network& net, const bpe& tokenizer,
                                  const std::vector<question>& questions,
                                  const earlier_turns& before = {});

/// Returns the network's greedy answers.
std::vector<std::string> greedy_answers(const network& net,
                                        const bpe& tokenizer,
                                        const std::vector<question>& questions);

} // namespace model_server::tiny_chat
