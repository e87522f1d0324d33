// A client of raw sockets: sends any bytes, reads responses and events.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

namespace model_server {

/// How long a test waits for anything before it fails.
inline constexpr std::chrono::milliseconds client_patience{20'000};

/// A response as it came.
struct client_response {
  /// 0 if the connection ended before a status line.
  int status = 0;
  /// Names in lower case.
  std::map<std::string, std::string> headers;
  /// Decoded, if it was chunked.
  std::string body;
  /// The body came to its end as its framing says.
  bool is_complete = false;

  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// One server-sent event.
struct client_event {
  std::string id;
  std::string data;
  std::string comment;
};

/// One connection to the server on this machine. Failing calls throw
/// `std::runtime_error`, which fails the test.
class http_client {
public:
  /// A small receive buffer makes a slow reader.
  explicit http_client(std::uint16_t port, int receive_buffer = 0);

  /// Speaks TLS, with a server called localhost whose certificate the authority
  /// in this file has signed.
  http_client(std::uint16_t port, const std::string& authority);
  ~http_client();

  http_client(http_client&& other) noexcept;
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  http_client& operator=(http_client&&) = delete;

  /// Sends as much as the server takes; false if it closed meanwhile.
  bool send(std::string_view bytes);

  /// Sends a whole request with the body's length, and whatever other fields.
  bool request(std::string_view method, std::string_view target,
               std::string_view body = {}, std::string_view fields = {});

  /// Reads a whole response.
  client_response receive();

  /// Reads the head of a response only.
  client_response receive_head();

  /// Reads a status line on its own, such as that of a 100.
  int receive_interim();

  /// After `receive_head`: the next event of a chunked stream, nothing at its
  /// end. Comments are events too.
  std::optional<client_event> next_event();

  /// True if the stream of events ended as it should: with an empty chunk.
  bool has_ended_well() const {
    return has_ended_well_;
  }

  /// After a stream, for the next one on this connection.
  void expect_next_response() {
    has_ended_ = has_ended_well_ = false;
    decoded_.clear();
  }

  /// True once the server has closed; waits for it.
  bool is_closed_by_server();

  /// True if the server closes and nothing is left that was not read.
  bool ends_without_a_byte();

  void shut_sending();
  /// Closes so that the server gets a reset.
  void reset();
  void close();

  /// What TLS calls its version, `TLSv1.3`; and the serial number of the
  /// server's certificate.
  std::string tls_version() const;
  long certificate_number() const;

  /// True if the server has ended TLS and not only the connection.
  bool has_been_told_goodbye() const;

private:
  struct end_tls {
    void operator()(ssl_st* session) const;
  };

  bool fill(std::chrono::milliseconds patience = client_patience);
  bool fill_chunk();
  std::string take_line();

  int socket_ = -1;
  std::unique_ptr<ssl_st, end_tls> tls_;
  /// Received and not yet used.
  std::string received_;
  /// Decoded from chunks and not yet used.
  std::string decoded_;
  bool has_ended_ = false;
  bool has_ended_well_ = false;
};

/// One request on a connection of its own.
client_response fetch(std::uint16_t port, std::string_view method,
                      std::string_view target, std::string_view body = {},
                      std::string_view fields = {});

/// The same over TLS.
client_response fetch_tls(std::uint16_t port, const std::string& authority,
                          std::string_view method, std::string_view target,
                          std::string_view body = {},
                          std::string_view fields = {});

/// Whatever the server says to these bytes.
client_response fetch_raw(std::uint16_t port, std::string_view bytes);

/// What follows a key in a JSON text, up to the next comma or brace: enough to
/// look at a number or a word.
std::string json_value(std::string_view json, std::string_view key);

} // namespace model_server
