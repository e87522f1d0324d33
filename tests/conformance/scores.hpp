// Reads tokens through a network.
#pragma once

#include "tests/models/compare_scores.hpp"

#include "models/kernels/attention.hpp"
#include "models/nets/causal_net.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

namespace model_server::testing {

/// One sequence of a network that has the blocks for it alone.
class reading {
public:
  explicit reading(causal_net& net, std::size_t most_tokens) : net_(net) {
    blocks_.resize((most_tokens + kv_block_tokens - 1) / kv_block_tokens);
    std::iota(blocks_.begin(), blocks_.end(), block_id{0});
  }

  static std::size_t blocks_for(std::size_t most_tokens) {
    return (most_tokens + kv_block_tokens - 1) / kv_block_tokens;
  }

  /// The scores behind the tokens.
  std::vector<float> read(std::span<const token_id> tokens) {
    std::vector<float> scores(net_.vocabulary());
    net_input input{.id = 1,
                    .position = size_,
                    .blocks = blocks_,
                    .tokens = tokens,
                    .scores_wanted = 1};
    net_.forward({&input, 1}, scores.data());
    size_ += tokens.size();
    return scores;
  }

private:
  causal_net& net_;
  std::vector<block_id> blocks_;
  std::size_t size_ = 0;
};

/// The greedy reply to a prompt.
inline std::vector<token_id> greedy_reply(causal_net& net,
                                          const std::vector<token_id>& prompt,
                                          std::size_t count) {
  reading text{net, prompt.size() + count};
  std::vector<token_id> reply{best_of(text.read(prompt))};
  while (reply.size() < count)
    reply.push_back(best_of(text.read({&reply.back(), 1})));
  return reply;
}

/// Natural logarithms of the chances of all tokens.
inline std::vector<double> log_chances(const std::vector<float>& scores) {
  auto most = *std::ranges::max_element(scores);
  double sum = 0.0;
  for (auto score : scores)
    sum += std::exp(double{score} - most);
  std::vector<double> result;
  for (auto score : scores)
    result.push_back(double{score} - most - std::log(sum));
  return result;
}

} // namespace model_server::testing
