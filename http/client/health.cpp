// One GET by OpenSSL's own HTTP client.
#include "http/client/health.hpp"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>

namespace model_server {

namespace {

constexpr int patience_seconds = 5;
constexpr std::size_t most_bytes = 1 << 20;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

// Puts TLS around an https connection; whose certificate it is does not matter
// to a question that holds no secret.
BIO* add_tls(BIO* connection, void* context, int connects, int has_tls) {
  if (!connects || !has_tls)
    return connection;
  auto* tls = ::BIO_new_ssl(static_cast<SSL_CTX*>(context), 1);
  return tls == nullptr ? nullptr : ::BIO_push(tls, connection);
}

} // namespace

int ask_health(const health_options& options) {
  std::unique_ptr<SSL_CTX, freed_by<::SSL_CTX_free>> context{
      ::SSL_CTX_new(::TLS_client_method())};
  // No proxy, whatever the environment says.
  std::unique_ptr<BIO, freed_by<::BIO_free_all>> answer{::OSSL_HTTP_get(
      options.url.c_str(), "", nullptr, nullptr, nullptr, add_tls, context.get(), 0,
      nullptr, nullptr, 0, most_bytes, patience_seconds)};
  if (answer)
    return 0;
  const char* detail = nullptr;
  int flags = 0;
  auto code = ::ERR_get_error_all(nullptr, nullptr, nullptr, &detail, &flags);
  const auto* reason = ::ERR_reason_error_string(code);
  throw std::runtime_error(fmt::format(
      "{}: {}{}{}", options.url, reason == nullptr ? "failed" : reason,
      *detail == '\0' ? "" : ", ", detail));
}

} // namespace model_server
