// Whole words: a token each.
#pragma once

#include "models/text/token_table.hpp"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// Looks words up. Constant after construction; calls may overlap.
class word_level_model {
public:
  /// Tokens that `is_control` says yes to are never found. `unknown` stands for
  /// a word that isn't there; without one such a word is dropped.
  word_level_model(token_table vocabulary, std::vector<bool> is_control,
                   std::optional<token_id> unknown)
      : vocabulary_(std::move(vocabulary)),
        is_control_(std::move(is_control)),
        unknown_(unknown) {
    is_control_.resize(vocabulary_.end_id());
  }

  /// Appends the token of `word`.
  void encode(std::string_view word, std::vector<token_id>& out) const {
    auto id = vocabulary_.find(word);
    if (id && is_control_[static_cast<std::size_t>(*id)])
      id.reset();
    if (!id)
      id = unknown_;
    if (id)
      out.push_back(*id);
  }

  const token_table& vocabulary() const {
    return vocabulary_;
  }

private:
  token_table vocabulary_;
  std::vector<bool> is_control_;
  std::optional<token_id> unknown_;
};

} // namespace model_server
