// Which replies a worker has, which of them run, and who is next.
#pragma once

#include "actors/generation.hpp"

#include <caf/actor_addr.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace model_server {

/// The waiting queue and the running batch of one worker. A place in the batch
/// is kept until its reply is taken out; a reply that can't go on, because its
/// client lags behind, gives it up as soon as somebody else can use it, and
/// waits in front of the others.
class work_queue {
public:
  /// Of `limits`, 0 prompt tokens are no limit.
  work_queue(std::size_t batch_size, queue_limits limits);

  const queue_limits& limits() const {
    return limits_;
  }

  /// No more new replies may wait. Resumed ones are always let in: they were
  /// promised an end.
  bool is_full() const;

  /// A new reply with so long a prompt may wait. One may always, however long.
  bool has_room_for(std::size_t prompt_tokens) const;

  /// Of the prompts that wait, but for those of promised replies.
  std::uint64_t waiting_tokens() const;

  /// Queues a reply: those underway before new ones, of either the more urgent
  /// first, and of equals the one that came first.
  void add(std::unique_ptr<generation> item);

  /// Fills places from the queue and returns those that can go on now: they may
  /// take a step, or are complete already. A suspect of a crash is alone.
  std::vector<generation*> next_batch();

  /// True if `next_batch` would return anything.
  bool has_work() const;

  /// Null if there is none.
  generation* find(request_id id);

  /// Takes a reply out, wherever it is; null if there is none.
  std::unique_ptr<generation> take(request_id id);

  /// Takes a reply out whose tokens go to this actor; null if there is none.
  std::unique_ptr<generation> take_of(const caf::actor_addr& sink);

  /// Takes a reply out that has waited for its turn as long as one may; null if
  /// there is none. Those underway, and those that another part of their
  /// request stands for, wait without a limit.
  std::unique_ptr<generation> take_expired(generation::time_point now);

  /// Takes the last out that came; null if none waits. Likewise.
  std::unique_ptr<generation> take_youngest();

  /// Takes all out, running ones first.
  std::vector<std::unique_ptr<generation>> take_all();

  /// Replies that have a place in the batch.
  std::size_t running() const {
    return running_.size();
  }

  /// Of these, how many stand still for lack of memory.
  std::size_t stalled() const;

  /// Of all replies together.
  std::uint64_t tokens_to_do() const;

  /// Replies without a place.
  std::size_t waiting() const {
    return waiting_.size();
  }

  bool empty() const {
    return running_.empty() && waiting_.empty();
  }

private:
  using waiting_place = std::deque<std::unique_ptr<generation>>::iterator;

  std::unique_ptr<generation> take_waiting(waiting_place place);

  std::unique_ptr<generation> take_next_waiting();

  template <class Predicate>
  std::unique_ptr<generation> take_if(Predicate matches);

  // What waits for a place that is free is not really waiting.
  std::size_t free_places() const {
    return batch_size_ - running_.size();
  }

  std::size_t batch_size_;
  queue_limits limits_;
  std::vector<std::unique_ptr<generation>> running_;
  std::deque<std::unique_ptr<generation>> waiting_;
};

} // namespace model_server
