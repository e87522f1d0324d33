// Walks the tree of tokens from where the last piece ended.
#include "models/text/word_piece_model.hpp"

#include "models/text/utf8.hpp"

#include <utility>

namespace model_server {

word_piece_model::word_piece_model(token_table vocabulary,
                                   const std::vector<bool>& is_control,
                                   word_piece_options options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  for (std::size_t i = 0; i < vocabulary_.end_id(); ++i) {
    auto id = static_cast<token_id>(i);
    auto spelling = vocabulary_.spelling(id);
    if (!spelling.empty() && !(i < is_control.size() && is_control[i]))
      pieces_.add(spelling, id);
  }
  inner_ = pieces_.walk(options_.prefix);
}

void word_piece_model::encode(std::string_view word,
                              std::vector<token_id>& out) const {
  auto begin = out.size();
  auto known = word.size() <= options_.max_characters
               || count_utf8(word) <= options_.max_characters;
  for (std::size_t done = 0; known && done < word.size();) {
    auto at = done == 0 ? byte_trie::root : inner_;
    token_id longest = -1;
    auto end = done;
    for (auto next = done; next < word.size() && at != byte_trie::none;) {
      at = pieces_.step(at, word[next++]);
      if (at != byte_trie::none && pieces_.token_at(at) >= 0) {
        longest = pieces_.token_at(at);
        end = next;
      }
    }
    known = longest >= 0;
    if (known)
      out.push_back(longest);
    done = end;
  }
  if (known)
    return;
  out.resize(begin);
  if (options_.unknown)
    out.push_back(*options_.unknown);
}

} // namespace model_server
