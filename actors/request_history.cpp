// The request history: remembers what happened to the last requests.
#include "actors/request_history.hpp"

#include "config/quote.hpp"

#include <caf/typed_response_promise.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace model_server {

namespace {

using history_pointer = history_actor::stateful_pointer<request_history_state>;

// Of an id that a client made up.
constexpr std::size_t shown_bytes = 128;

failure not_found(const std::string& id, std::size_t limit) {
  return {errc::request_not_found,
          fmt::format("none of the last {} replies belongs to a request {}",
                      limit, quote(id, shown_bytes)),
          "", 0};
}

request_stories in_order(request_stories stories) {
  std::ranges::sort(stories.replies, {}, &reply_story::index);
  return stories;
}

// Asks those that are not over, and answers when all have told their story.
caf::result<request_stories>
gather(history_pointer self, request_stories known,
       const std::vector<const request_history_state::known_reply*>& open) {
  struct gathering {
    request_stories result;
    std::size_t missing;
    caf::typed_response_promise<request_stories> promise;
  };
  auto gathered = std::make_shared<gathering>();
  gathered->result = std::move(known);
  gathered->missing = open.size();
  gathered->promise = self->make_response_promise<request_stories>();
  auto arrived = [gathered](const reply_story* story) {
    if (story)
      gathered->result.replies.push_back(*story);
    if (--gathered->missing == 0)
      gathered->promise.deliver(in_order(std::move(gathered->result)));
  };
  for (const auto* item : open)
    self->request(item->reply, caf::infinite, get_story{})
        .then([=](const reply_story& story) { arrived(&story); },
              [=, id = item->begun.id](const caf::error&) {
                // It has ended meanwhile, and told us before it went.
                const auto* ended = self->state.find(id);
                arrived(ended && ended->story ? &*ended->story : nullptr);
              });
  return gathered->promise;
}

caf::result<request_stories> tell(history_pointer self, const std::string& id) {
  auto found = self->state.of(id);
  if (found.empty())
    return to_error(not_found(id, self->state.options.replies));
  request_stories known;
  std::vector<const request_history_state::known_reply*> open;
  for (const auto* item : found)
    if (item->story)
      known.replies.push_back(*item->story);
    else
      open.push_back(item);
  if (open.empty())
    return in_order(std::move(known));
  return gather(self, std::move(known), open);
}

} // namespace

request_history_state::known_reply&
request_history_state::begin(const story_begun& begun, reply_actor reply) {
  if (replies.size() >= options.replies)
    replies.pop_front();
  return replies.emplace_back(
      known_reply{begun, std::move(reply), std::nullopt});
}

void request_history_state::end(reply_story story) {
  auto* known = find(story.id);
  if (!known)
    known = &begin({story.id, story.names.public_id, story.names.reply_id}, {});
  known->reply = nullptr;
  known->story = std::move(story);
}

request_history_state::known_reply* request_history_state::find(request_id id) {
  // Most end soon after they began.
  auto found = std::find_if(replies.rbegin(), replies.rend(),
                            [=](const auto& it) { return it.begun.id == id; });
  return found == replies.rend() ? nullptr : &*found;
}

std::vector<const request_history_state::known_reply*>
request_history_state::of(std::string_view id) const {
  auto last = std::find_if(
      replies.rbegin(), replies.rend(), [=](const known_reply& item) {
        return item.begun.reply_id == id || item.begun.public_id == id;
      });
  std::vector<const known_reply*> result;
  if (last == replies.rend())
    return result;
  for (const auto& item : replies)
    if (item.begun.reply_id == last->begun.reply_id)
      result.push_back(&item);
  return result;
}

history_actor::behavior_type request_history(history_pointer self,
                                             request_history_options options) {
  self->state.options = options;
  return {
      [self](const story_begun& begun, reply_actor& reply) {
        self->state.begin(begun, std::move(reply));
      },
      [self](reply_story& story) { self->state.end(std::move(story)); },
      [self](const get_stories& question) { return tell(self, question.id); },
  };
}

} // namespace model_server
