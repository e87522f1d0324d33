// A running server, as the commands that talk to it see it.
#pragma once

#include "config/server_access.hpp"
#include "http/client/http_exchange.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace model_server {

/// A server answers with another status than 200.
class refused_request : public std::runtime_error {
public:
  refused_request(unsigned status, const std::string& words)
      : std::runtime_error(words), status_(status) {
  }

  unsigned status() const {
    return status_;
  }

private:
  unsigned status_;
};

/// Asks one server. Throws `std::runtime_error`, a sentence for the user, where
/// it doesn't get what it wants.
class server_link {
public:
  /// Largest answer that is not streamed.
  static constexpr std::size_t max_answer_bytes = 64 << 20;

  explicit server_link(server_access access,
                       const interrupt_watch* watch = nullptr);

  http_loop& loop() {
    return loop_;
  }

  const std::string& url() const {
    return access_.url;
  }

  /// A request with the key; `path` begins with a slash.
  client_request request(std::string_view path, std::string body = {}) const;

  /// The body of an answer with status 200; throws `refused_request` for any
  /// other. Without a body of its own the request is a GET.
  std::string ask(std::string_view path, std::string body = {});

  /// What to tell the user of an exchange that did not come to its end.
  std::string describe(exchange_end end, const std::string& problem) const;

  /// What to tell the user of an answer with another status than 200.
  std::string describe(const http_head& head, const std::string& body) const;

private:
  server_access access_;
  http_loop loop_;
};

} // namespace model_server
