// How far a worker may run ahead of a client.
#pragma once

#include <cstdint>
#include <optional>

namespace model_server {

/// Counts tokens by their numbers: made by the worker, written to the client,
/// taken by it. The worker may be `ahead` tokens beyond what was taken. Tokens
/// without text of their own (inside a character, or of what may become a stop
/// string) are taken with the text before them.
class credit_window {
public:
  /// Unless `is_bounded` the worker may go on without end.
  credit_window(std::uint32_t ahead, bool is_bounded);

  void made(std::uint64_t number);
  void wrote(std::uint64_t number);
  void taken(std::uint64_t number);

  /// What the worker may make now; taken as told to it.
  std::uint64_t grant();

  /// The same, if it differs enough from what the worker was told to be worth
  /// a message.
  std::optional<std::uint64_t> raise();

private:
  std::uint64_t up_to() const;

  std::uint32_t ahead_;
  bool is_bounded_;
  std::uint64_t made_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t told_ = 0;
};

} // namespace model_server
