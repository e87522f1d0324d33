// The JSON of /api/v1, but for the body of a call: requests of the
// administration, and every answer. Pure.
#pragma once

#include "actors/messages.hpp"
#include "actors/reply_writer.hpp"
#include "http/error_reply.hpp"
#include "http/reply_format.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// The body of `add`, `remove` and `activate`.
struct device_request {
  /// Empty lets the server choose.
  std::string device;
  bool wait = true;

  friend bool operator==(const device_request&,
                         const device_request&) = default;
};

/// Reads such a body; only `add` knows `wait`.
std::variant<device_request, error_reply>
read_device_request(std::string_view body, bool takes_wait);

/// Checks a body that says nothing: `{}`, or none.
std::optional<error_reply> check_empty_body(std::string_view body);

/// What was asked for; decides what is told of a device.
enum class device_change { add, remove, activate };

std::string device_report_json(device_change what, std::string_view model,
                               const device_report& report);

std::string status_json(const server_status& status);

/// The whole answer of a call.
std::string reply_json(std::string_view call_id, std::string_view model,
                       std::string_view text,
                       std::optional<std::span<const token>> logprobs,
                       const reply_summary& summary);

/// The data of one event of a stream; the role is on the first one only.
/// `tokens` are those with logprobs whose text ends with this piece.
std::string delta_json(std::string_view call_id, std::string_view text,
                       std::span<const token> tokens, bool is_first);

/// The data of the event that ends a stream.
std::string finish_json(std::string_view call_id, const reply_summary& summary,
                        bool is_first);

/// Words a reply of `call`. Each event has the number of its last token as id.
class api_v1_format : public reply_format {
public:
  api_v1_format(std::string call_id, std::string model, bool with_logprobs);

  std::string whole(std::string_view text, std::span<const token> tokens,
                    const reply_summary& summary) override;
  std::string opening() override;
  std::string piece(std::string_view text, std::uint64_t last,
                    std::span<const token> tokens) override;
  std::string ending(const reply_summary& summary) override;

private:
  std::string call_id_;
  std::string model_;
  bool with_logprobs_;
  bool is_first_ = true;
};

} // namespace model_server
