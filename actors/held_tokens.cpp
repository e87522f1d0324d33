// Tokens on their way to the client beside their text.
#include "actors/held_tokens.hpp"

#include "models/text/utf8.hpp"

#include <limits>
#include <utility>

namespace model_server {

namespace {

constexpr auto not_known = std::numeric_limits<std::size_t>::max();

} // namespace

void held_tokens::add(token next, std::string_view made, bool is_whole) {
  set_open_ends(made);
  bytes_made_ += made.size();
  waiting_.push_back({std::move(next), is_whole ? bytes_made_ : not_known});
}

void held_tokens::complete(std::string_view made) {
  set_open_ends(made);
  bytes_made_ += made.size();
}

std::vector<token> held_tokens::release(std::size_t bytes) {
  bytes_out_ += bytes;
  std::vector<token> result;
  while (!waiting_.empty() && waiting_.front().end <= bytes_out_) {
    result.push_back(std::move(waiting_.front().what));
    waiting_.pop_front();
  }
  return result;
}

// Whatever ended inside a character ends with the first one that comes now.
void held_tokens::set_open_ends(std::string_view made) {
  if (made.empty())
    return;
  auto end = bytes_made_ + read_utf8(made).size;
  for (auto at = waiting_.rbegin();
       at != waiting_.rend() && at->end == not_known; ++at)
    at->end = end;
}

} // namespace model_server
