// Finds the pairs that make the pieces of a vocabulary.
#include "models/weights/gguf_merges.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <unordered_map>

namespace model_server {

namespace {

constexpr std::size_t max_piece_bytes = 1024;
constexpr std::size_t merges_per_token = 16;

struct merge {
  std::string_view piece;
  float score;
  /// Where the right part begins, in bytes and in characters.
  std::uint32_t cut;
  std::uint32_t left_letters;
  std::uint32_t letters;
  token_id left;
  token_id right;

  // The best is the least.
  auto order() const {
    return std::tuple{-score, -std::int64_t{left_letters},
                      -(std::int64_t{letters} - left_letters)};
  }
};

} // namespace

std::vector<std::pair<std::string_view, std::string_view>>
merges_of_scores(const std::vector<gguf_token>& tokens,
                 const std::string& where) {
  std::unordered_map<std::string_view, token_id> ids;
  ids.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].kind == gguf_token_kind::normal)
      ids.emplace(tokens[id].text, static_cast<token_id>(id));
  std::vector<merge> found;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    auto& [piece, score, kind] = tokens[id];
    if (kind != gguf_token_kind::normal)
      continue;
    if (piece.size() > max_piece_bytes)
      throw std::runtime_error(fmt::format("{}: token {} has {} bytes, more "
                                           "than {}",
                                           where, id, piece.size(),
                                           max_piece_bytes));
    auto first = found.size();
    std::uint32_t letters = 1;
    for (std::size_t cut = 1; cut < piece.size(); ++cut) {
      if (is_utf8_continuation(piece[cut]))
        continue;
      auto left = ids.find(piece.substr(0, cut));
      auto right = left == ids.end() ? left : ids.find(piece.substr(cut));
      if (right != ids.end())
        found.push_back({piece, score, static_cast<std::uint32_t>(cut), letters,
                         0, left->second, right->second});
      ++letters;
    }
    for (auto i = first; i < found.size(); ++i)
      found[i].letters = letters;
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(),
              [](auto& a, auto& b) {
                return std::pair{a.left, a.right} < std::pair{b.left, b.right};
              });
    if (found.size() > merges_per_token * tokens.size())
      throw std::runtime_error(
          fmt::format("{}: more than {} pairs of tokens make a token", where,
                      merges_per_token * tokens.size()));
  }
  std::ranges::stable_sort(found, {}, &merge::order);
  std::vector<std::pair<std::string_view, std::string_view>> result;
  result.reserve(found.size());
  for (auto& each : found)
    result.emplace_back(each.piece.substr(0, each.cut),
                        each.piece.substr(each.cut));
  return result;
}

} // namespace model_server
