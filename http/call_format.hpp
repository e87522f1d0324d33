// How replies are worded below /api/v1.
#pragma once

#include "http/json.hpp"
#include "http/reply_format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Words the replies to a `call`. Each event has the number of its last token
/// as id; the first one, and the first after a move, has the device. With
/// several choices the whole answer has a list of them, and every event names
/// its choice, also in its id (`1:12`); the usage of all comes by itself at the
/// end.
class call_format : public reply_format {
public:
  call_format(std::string call_id, std::string model, bool with_logprobs,
              std::size_t choices);

  std::string whole(std::span<const written_choice> choices,
                    const usage_counts& usage) override;
  void place(std::size_t choice, std::string_view device) override;
  std::string opening(std::size_t choice) override;
  std::string piece(std::size_t choice, std::string_view text,
                    std::uint64_t last, std::span<const token> tokens) override;
  std::string ending(std::size_t choice, const reply_summary& summary) override;
  std::string closing(const usage_counts& usage) override;

private:
  // How far a choice has come.
  struct progress {
    // The role is on its first event only.
    bool has_begun = false;
    std::string device;
    // The next event tells the device.
    bool has_moved = false;
  };

  bool is_alone() const {
    return choices_.size() == 1;
  }
  void write_choice(json_text& out, const written_choice& choice) const;
  void begin_event(json_text& out, std::size_t choice) const;
  void write_delta(json_text& out, std::size_t choice, std::string_view text);
  std::string numbered(std::size_t choice, std::uint64_t last,
                       const json_text& data) const;

  std::string call_id_;
  std::string model_;
  bool with_logprobs_;
  std::vector<progress> choices_;
};

} // namespace model_server
