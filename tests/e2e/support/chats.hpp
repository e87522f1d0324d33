// What the tests say to models, and what these must answer.
#pragma once

#include "models/entries/fault_reply.hpp"
#include "support/http_client.hpp"
#include "support/server_process.hpp"

#include <atomic>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace model_server {

/// The body of a call with one user message; `fields` are further ones, each
/// with a comma before it.
std::string chat_body(std::string_view message, std::string_view fields = {});

/// What `fault` answers with this seed when nothing breaks.
std::string expected_reply(std::uint64_t seed, std::size_t length);

/// The content of a whole answer. Knows no escapes.
std::string content_of(std::string_view json);

/// A streamed reply, put together again.
struct streamed_reply {
  std::string text;
  std::vector<std::string> ids;
  std::vector<std::string> data;
  bool is_done = false;
  bool has_ended_well = false;
};

/// Reads events to the end of the stream.
streamed_reply read_stream(http_client& client);

/// The entities of a model as the status tells them, a JSON text each.
std::vector<std::string> entities_of(std::uint16_t port,
                                     std::string_view model);

/// The figure of a model's first entity in the status, say `running`.
std::string entity_value(std::uint16_t port, std::string_view model,
                         std::string_view key);

/// True once the model's first entity runs and keeps waiting so many.
bool comes_to(std::uint16_t port, std::string_view model, int running,
              int waiting);

/// A chat that goes on beside whatever a test does: streams replies of the
/// model `beside` one after the other and compares every token. Says at its end
/// whether anything was wrong. Has had its first reply when it is made.
class chat_beside {
public:
  explicit chat_beside(std::uint16_t port);
  ~chat_beside();

  chat_beside(const chat_beside&) = delete;
  chat_beside& operator=(const chat_beside&) = delete;

private:
  void run();
  void converse(http_client& client);

  std::uint16_t port_;
  std::atomic<bool> is_over_{false};
  int replies_ = 0;
  std::string failure_;
  std::promise<void> begun_;
  std::thread thread_;
};

} // namespace model_server
