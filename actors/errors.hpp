// What can go wrong between actors, as values that reach the client.
#pragma once

#include <caf/atom.hpp>
#include <caf/error.hpp>

#include <cstdint>
#include <string>

namespace model_server {

/// Every error that actors answer with. The names are the `code` of the HTTP
/// contract; http/error_reply.cpp gives each its status.
enum class errc : std::uint8_t {
  none = 0,
  /// No model of this name is configured.
  model_not_found,
  /// The model has no entity.
  model_not_active,
  /// The device is not on this machine; the text lists those that are.
  no_such_device,
  /// The model has an entity on this device already.
  device_in_use,
  /// The entry could not be made; the text says why.
  load_failed,
  /// A model is not loaded on demand: what could be unloaded for it is too
  /// little. The text has the figures.
  insufficient_memory,
  /// The configuration cannot be used; the text names file, line and key.
  bad_config,
  /// Entities are being loaded or restarted; none is ready.
  model_loading,
  /// The waiting queue is full.
  queue_full,
  /// It waited longer for its turn than the limit allows.
  queue_timeout,
  /// The server is short of memory.
  low_memory,
  /// The prompt leaves no room for a reply in the model's context.
  context_length_exceeded,
  /// The model's chat template refuses the conversation.
  bad_chat,
  /// A value that only the model knows the limit of (a token id) is beyond it.
  out_of_range,
  /// The model cannot do what a field asks for.
  unsupported_field,
  /// The model writes replies and was asked for an embedding, or the other way
  /// round.
  wrong_task,
  /// The model failed on this request alone (NaN among its scores).
  model_failed,
  /// Workers died under this request as often as the limit allows.
  worker_lost,
  /// Workers broke on this request alone: it is not tried again.
  poison_request,
  /// Another machine of this name is in the cluster.
  name_in_use,
  /// The server is stopping.
  shutting_down,
  /// The request ran longer than the limit.
  deadline_exceeded,
  /// No recent request has this id.
  request_not_found,
  /// Anything else: a bug.
  internal_error,
};

/// The `code` of the contract, `queue_full` for `errc::queue_full`.
std::string to_string(errc code);

/// An error on its way to a client.
struct failure {
  errc code = errc::internal_error;
  /// For the client; names the value and the limit, nothing internal.
  std::string message;
  /// A path into the body, or empty.
  std::string param;
  /// Seconds after which a new try makes sense; 0 is none.
  std::uint32_t retry_after = 0;

  friend bool operator==(const failure&, const failure&) = default;
};

/// Category of our errors among CAF's.
inline constexpr caf::atom_value error_category = caf::atom("modelserv");

/// Packs a failure for an actor's answer.
caf::error to_error(const failure& what);

/// Unpacks what `to_error` packed; any other error becomes `internal_error`
/// (with a generic text: internals never reach a client).
failure to_failure(const caf::error& what);

/// True if `to_error` packed it; false for what CAF itself says, such as that
/// the receiver of a request is gone.
bool is_failure(const caf::error& what);

/// One line for a log or a status: our text, or CAF's own.
std::string describe(const caf::error& what);

} // namespace model_server
