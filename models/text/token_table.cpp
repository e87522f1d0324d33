// A hash table of spellings whose letters lie in one block.
#include "models/text/token_table.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <bit>
#include <functional>
#include <limits>
#include <stdexcept>

namespace model_server {

void token_table::reserve(std::size_t tokens, std::size_t bytes) {
  start_ids_at(tokens);
  letters_.reserve(bytes);
  places_.reserve(tokens);
  grow(std::bit_ceil(tokens * 2 + 16));
}

void token_table::add(std::string_view spelling, std::int64_t id) {
  if (id < 0 || id > max_token_id)
    throw std::runtime_error{
        fmt::format("token \"{:.80}\" has id {}; ids are from 0 to {}",
                    spelling, id, max_token_id)};
  auto index = static_cast<std::size_t>(id);
  if (auto end = std::max(expected_ids_, count_) + max_unused_ids; index > end)
    throw std::runtime_error{
        fmt::format("token \"{:.80}\" has id {}; of so few tokens ids are from "
                    "0 to {}",
                    spelling, id, end)};
  if (!is_valid_utf8(spelling))
    throw std::runtime_error{
        fmt::format("the token with id {} is not UTF-8", id)};
  if (letters_.size() + spelling.size()
      > std::numeric_limits<std::uint32_t>::max())
    throw std::runtime_error{"the tokens together are over 4 GiB"};
  if ((count_ + 1) * 2 > slots_.size())
    grow(std::bit_ceil((count_ + 16) * 4));
  auto& slot = slots_[slot_of(spelling)];
  if (slot >= 0)
    throw std::runtime_error{
        fmt::format("token \"{:.80}\" is there twice, as {} and as {}",
                    spelling, slot, id)};
  if (index >= places_.size())
    places_.resize(index + 1);
  auto& entry = places_[index];
  if (entry.used)
    throw std::runtime_error{
        fmt::format("tokens \"{:.80}\" and \"{:.80}\" have the same id {}",
                    this->spelling(static_cast<token_id>(id)), spelling, id)};
  entry = {static_cast<std::uint32_t>(letters_.size()),
           static_cast<std::uint32_t>(spelling.size()), true};
  letters_.append(spelling);
  slot = static_cast<token_id>(id);
  ++count_;
}

std::optional<token_id> token_table::find(std::string_view spelling) const {
  if (slots_.empty())
    return std::nullopt;
  auto id = slots_[slot_of(spelling)];
  return id < 0 ? std::nullopt : std::optional{id};
}

std::string_view token_table::spelling(token_id id) const {
  if (!has(id))
    return {};
  auto& entry = places_[static_cast<std::size_t>(id)];
  return std::string_view{letters_}.substr(entry.begin, entry.size);
}

bool token_table::has(token_id id) const {
  return id >= 0 && static_cast<std::size_t>(id) < places_.size()
         && places_[static_cast<std::size_t>(id)].used;
}

std::size_t token_table::slot_of(std::string_view spelling) const {
  auto mask = slots_.size() - 1;
  auto at = std::hash<std::string_view>{}(spelling)&mask;
  while (slots_[at] >= 0 && this->spelling(slots_[at]) != spelling)
    at = (at + 1) & mask;
  return at;
}

void token_table::grow(std::size_t slots) {
  if (slots <= slots_.size())
    return;
  auto old = std::move(slots_);
  slots_.assign(slots, -1);
  for (auto id : old)
    if (id >= 0)
      slots_[slot_of(spelling(id))] = id;
}

} // namespace model_server
