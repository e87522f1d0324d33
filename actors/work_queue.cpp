// Which replies a worker has, which of them run, and who is next.
#include "actors/work_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace model_server {

namespace {

bool can_go_on(const generation& item) {
  return item.is_complete() || item.may_step();
}

// What comes first in the queue has the smaller one.
std::pair<bool, std::int32_t> rank(const generation& item) {
  return {!item.is_underway(), item.priority()};
}

} // namespace

work_queue::work_queue(std::size_t batch_size, queue_limits limits)
    : batch_size_(std::max<std::size_t>(batch_size, 1)), limits_(limits) {
}

bool work_queue::is_full() const {
  return waiting_.size() >= limits_.requests + free_places();
}

std::uint64_t work_queue::waiting_tokens() const {
  std::uint64_t result = 0;
  for (auto i = free_places(); i < waiting_.size(); ++i)
    if (!waiting_[i]->is_promised())
      result += std::as_const(*waiting_[i]).state().prompt_size;
  return result;
}

bool work_queue::has_room_for(std::size_t prompt_tokens) const {
  if (limits_.prompt_tokens == 0 || waiting_.size() < free_places())
    return true;
  auto waiting = waiting_tokens();
  return waiting == 0 || waiting + prompt_tokens <= limits_.prompt_tokens;
}

void work_queue::add(std::unique_ptr<generation> item) {
  // From the back: those that gave up their places are in front, whatever their
  // priority.
  auto before =
      std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const auto& other) {
        return rank(*other) <= rank(*item);
      });
  waiting_.insert(before.base(), std::move(item));
}

// Null for the end.
std::unique_ptr<generation> work_queue::take_waiting(waiting_place place) {
  if (place == waiting_.end())
    return nullptr;
  auto result = std::move(*place);
  waiting_.erase(place);
  return result;
}

// The first in line that can go on; null if there is none.
std::unique_ptr<generation> work_queue::take_next_waiting() {
  auto found = std::find_if(waiting_.begin(), waiting_.end(),
                            [](const auto& item) { return can_go_on(*item); });
  return take_waiting(found);
}

std::vector<generation*> work_queue::next_batch() {
  while (running_.size() < batch_size_ && !waiting_.empty()) {
    auto next = take_next_waiting();
    if (!next) {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    running_.push_back(std::move(next));
  }
  for (auto& item : running_) {
    if (can_go_on(*item))
      continue;
    auto next = take_next_waiting();
    if (!next)
      break;
    item->give_up_place();
    waiting_.push_front(std::exchange(item, std::move(next)));
  }
  std::vector<generation*> result;
  for (auto& item : running_) {
    if (!can_go_on(*item))
      continue;
    if (item->is_suspect())
      return {item.get()};
    result.push_back(item.get());
  }
  return result;
}

bool work_queue::has_work() const {
  auto any_can = [](const auto& items) {
    return std::any_of(items.begin(), items.end(),
                       [](const auto& item) { return can_go_on(*item); });
  };
  return any_can(running_) || any_can(waiting_);
}

std::size_t work_queue::stalled() const {
  return static_cast<std::size_t>(
      std::count_if(running_.begin(), running_.end(), [](const auto& item) {
        return std::as_const(*item).state().is_waiting;
      }));
}

std::uint64_t work_queue::tokens_to_do() const {
  std::uint64_t result = 0;
  for (const auto& item : running_)
    result += item->tokens_to_do();
  for (const auto& item : waiting_)
    result += item->tokens_to_do();
  return result;
}

generation* work_queue::find(request_id id) {
  for (auto& item : running_)
    if (item->id() == id)
      return item.get();
  for (auto& item : waiting_)
    if (item->id() == id)
      return item.get();
  return nullptr;
}

template <class Predicate>
std::unique_ptr<generation> work_queue::take_if(Predicate matches) {
  auto take_from = [&](auto& items) {
    std::unique_ptr<generation> result;
    auto found = std::find_if(items.begin(), items.end(), matches);
    if (found != items.end()) {
      result = std::move(*found);
      items.erase(found);
    }
    return result;
  };
  auto result = take_from(running_);
  return result ? std::move(result) : take_from(waiting_);
}

std::unique_ptr<generation> work_queue::take(request_id id) {
  return take_if([&](const auto& item) { return item->id() == id; });
}

std::unique_ptr<generation> work_queue::take_of(const caf::actor_addr& sink) {
  return take_if([&](const auto& item) { return item->sink() == sink; });
}

std::unique_ptr<generation>
work_queue::take_expired(generation::time_point now) {
  if (limits_.wait.count() == 0)
    return nullptr;
  auto found = std::ranges::find_if(waiting_, [&](const auto& item) {
    return item->may_be_refused() && now - item->arrived() >= limits_.wait;
  });
  return take_waiting(found);
}

std::unique_ptr<generation> work_queue::take_youngest() {
  auto youngest = waiting_.end();
  for (auto i = waiting_.begin(); i != waiting_.end(); ++i)
    if ((*i)->may_be_refused()
        && (youngest == waiting_.end()
            || (*i)->arrived() >= (*youngest)->arrived()))
      youngest = i;
  return take_waiting(youngest);
}

std::vector<std::unique_ptr<generation>> work_queue::take_all() {
  auto result = std::move(running_);
  running_.clear();
  std::move(waiting_.begin(), waiting_.end(), std::back_inserter(result));
  waiting_.clear();
  return result;
}

} // namespace model_server
