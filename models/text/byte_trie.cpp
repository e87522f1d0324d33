// A tree of bytes whose edges lie in one hash table.
#include "models/text/byte_trie.hpp"

#include <stdexcept>

namespace model_server {

namespace {

std::uint32_t edge_of(byte_trie::node from, char byte) {
  return (from << 8) | static_cast<unsigned char>(byte);
}

} // namespace

void byte_trie::add(std::string_view spelling, token_id id) {
  auto at = root;
  for (auto byte : spelling) {
    if (tokens_.size() * 2 >= edges_.size())
      grow(edges_.empty() ? 1024 : edges_.size() * 2);
    auto from = edge_of(at, byte);
    auto& found = edges_[slot_of(from)];
    if (found.to == root) {
      if (tokens_.size() == max_nodes)
        throw std::runtime_error{"the tokens have over 16 million letters"};
      found = {from, static_cast<node>(tokens_.size())};
      tokens_.push_back(-1);
    }
    at = found.to;
  }
  tokens_[at] = id;
}

byte_trie::node byte_trie::step(node from, char byte) const {
  if (edges_.empty())
    return none;
  auto& found = edges_[slot_of(edge_of(from, byte))];
  return found.to == root ? none : found.to;
}

byte_trie::node byte_trie::walk(std::string_view prefix) const {
  auto at = root;
  for (auto byte : prefix) {
    at = step(at, byte);
    if (at == none)
      break;
  }
  return at;
}

std::size_t byte_trie::slot_of(std::uint32_t from) const {
  auto mask = edges_.size() - 1;
  auto mixed = from * std::uint64_t{0x9E3779B97F4A7C15u};
  auto at = (mixed >> 32) & mask;
  while (edges_[at].from != from && edges_[at].to != root)
    at = (at + 1) & mask;
  return at;
}

void byte_trie::grow(std::size_t slots) {
  auto old = std::move(edges_);
  edges_.assign(slots, {});
  for (auto& each : old)
    if (each.to != root)
      edges_[slot_of(each.from)] = each;
}

} // namespace model_server
