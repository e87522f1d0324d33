// The replies behind one answer, as its client's connection sees them.
#pragma once

#include "actors/interfaces.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace model_server {

/// Tells the reply actors of one request what becomes of their answer. Calls
/// come from any thread.
class reply_group {
public:
  explicit reply_group(std::size_t choices);

  /// Whom to tell of this choice. What has become of the answer by now it is
  /// told at once.
  void set(std::size_t choice, reply_actor reply);

  /// A mark for a piece of a choice's text that ends with this token of it.
  /// Marks are numbers that grow.
  std::uint64_t mark(std::size_t choice, std::uint64_t last);

  /// The client has taken every piece up to this mark.
  void taken(std::uint64_t mark);

  void client_left();

  /// The answer has failed as a whole.
  void stop(const failure& reason);

private:
  struct sent_piece {
    std::uint64_t mark = 0;
    std::size_t choice = 0;
    std::uint64_t last = 0;
  };

  std::mutex lock_;
  // Null until they are set.
  std::vector<reply_actor> replies_;
  // Not taken yet, in order.
  std::deque<sent_piece> sent_;
  std::uint64_t last_mark_ = 0;
  bool has_left_ = false;
  std::optional<failure> failure_;
};

} // namespace model_server
