// Loads certificate and key with OpenSSL.
#include "http/tls_context.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include <cstring>
#include <string>

namespace model_server {

namespace {

void require(bool is_well, const char* option, const std::string& file) {
  if (is_well)
    return;
  auto code = ERR_get_error();
  const char* why = ERR_SYSTEM_ERROR(code)
                        ? std::strerror(static_cast<int>(ERR_GET_REASON(code)))
                        : ERR_reason_error_string(code);
  throw config_error(fmt::format("--{} {} cannot be used: {}", option,
                                 quote(file, 128),
                                 why == nullptr ? "unknown reason" : why));
}

} // namespace

// Not by SSL_CTX_new, nor by Asio, which calls it: that one stands for the
// context of the cluster's links (`tls_links.hpp`).
tls_context::tls_context(const http_settings& settings)
    : context_(SSL_CTX_new_ex(nullptr, nullptr, TLS_server_method())) {
  auto* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
                                | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                | SSL_MODE_RELEASE_BUFFERS);
  // Clients keep their sessions themselves, in tickets.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // A key under a password would have OpenSSL ask for it at the terminal.
  SSL_CTX_set_default_passwd_cb(context,
                                [](char*, int, int, void*) { return 0; });
  ERR_clear_error();
  const auto& certificate = settings.tls_certificate;
  const auto& key = settings.tls_key;
  require(SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) == 1,
          "tls-cert", certificate);
  require(SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM)
                  == 1
              && SSL_CTX_check_private_key(context) == 1,
          "tls-key", key);
}

tls_session tls_context::new_session(int socket) const {
  tls_session result{SSL_new(context_.get())};
  if (!result || SSL_set_fd(result.get(), socket) != 1)
    throw std::bad_alloc{};
  SSL_set_accept_state(result.get());
  return result;
}

} // namespace model_server
