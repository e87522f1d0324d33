// Packs failures into CAF's errors and takes them out again.
#include "actors/errors.hpp"

#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/to_string.hpp>

namespace model_server {

std::string to_string(errc code) {
  switch (code) {
  case errc::none:
    return "none";
  case errc::model_not_found:
    return "model_not_found";
  case errc::model_not_active:
    return "model_not_active";
  case errc::no_such_device:
    return "no_such_device";
  case errc::device_in_use:
    return "device_in_use";
  case errc::load_failed:
    return "load_failed";
  case errc::insufficient_memory:
    return "insufficient_memory";
  case errc::bad_config:
    return "bad_config";
  case errc::model_loading:
    return "model_loading";
  case errc::queue_full:
    return "queue_full";
  case errc::queue_timeout:
    return "queue_timeout";
  case errc::low_memory:
    return "low_memory";
  case errc::context_length_exceeded:
    return "context_length_exceeded";
  case errc::bad_chat:
    return "bad_chat";
  case errc::out_of_range:
    return "out_of_range";
  case errc::unsupported_field:
    return "unsupported_field";
  case errc::wrong_task:
    return "wrong_task";
  case errc::model_failed:
    return "model_failed";
  case errc::worker_lost:
    return "worker_lost";
  case errc::poison_request:
    return "poison_request";
  case errc::name_in_use:
    return "name_in_use";
  case errc::shutting_down:
    return "shutting_down";
  case errc::deadline_exceeded:
    return "deadline_exceeded";
  case errc::request_not_found:
    return "request_not_found";
  case errc::internal_error:
    return "internal_error";
  }
  return "internal_error";
}

caf::error to_error(const failure& what) {
  return {static_cast<std::uint8_t>(what.code), error_category,
          caf::make_message(what.message, what.param, what.retry_after)};
}

bool is_failure(const caf::error& what) {
  return what && what.category() == error_category
         && what.code() <= static_cast<std::uint8_t>(errc::internal_error)
         && what.context()
                .match_elements<std::string, std::string, std::uint32_t>();
}

failure to_failure(const caf::error& what) {
  if (!is_failure(what))
    return {errc::internal_error, "internal error", "", 0};
  const auto& context = what.context();
  return {static_cast<errc>(what.code()), context.get_as<std::string>(0),
          context.get_as<std::string>(1), context.get_as<std::uint32_t>(2)};
}

std::string describe(const caf::error& what) {
  return is_failure(what) ? to_failure(what).message : caf::to_string(what);
}

} // namespace model_server
