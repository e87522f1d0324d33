// The server's certificate, ready to be shown to clients.
#pragma once

#include "config/settings.hpp"

#include <memory>

#include <openssl/ssl.h>

namespace model_server {

struct tls_deleter {
  void operator()(SSL* session) const {
    SSL_free(session);
  }
  void operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
  }
};

/// TLS 1.2 or later, on the server's side of one connection.
using tls_session = std::unique_ptr<SSL, tls_deleter>;

/// What all sessions have in common. Never changes: another certificate is
/// another context, and sessions keep theirs.
class tls_context {
public:
  /// Loads the files that `settings` names. Throws `config_error` if they
  /// cannot be used.
  explicit tls_context(const http_settings& settings);

  /// A session on this socket, which doesn't block and isn't closed with it.
  tls_session new_session(int socket) const;

private:
  std::unique_ptr<SSL_CTX, tls_deleter> context_;
};

} // namespace model_server
