// Stands in for a few functions of OpenSSL. Symbols of the program go before
// those of shared libraries, for the libraries too.
#include "actors/openssl_errors.hpp"

#include <dlfcn.h>

// As <openssl/ssl.h> declares it; the header would be a package of its own.
struct ssl_st;

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void forget_errors() {
  static auto* clear = next<void()>("ERR_clear_error");
  if (clear != nullptr)
    clear();
}

} // namespace

extern "C" {

int SSL_read(ssl_st* link, void* to, int size) {
  static auto* real = next<int(ssl_st*, void*, int)>("SSL_read");
  forget_errors();
  return real(link, to, size);
}

int SSL_write(ssl_st* link, const void* from, int size) {
  static auto* real = next<int(ssl_st*, const void*, int)>("SSL_write");
  forget_errors();
  return real(link, from, size);
}

int SSL_connect(ssl_st* link) {
  static auto* real = next<int(ssl_st*)>("SSL_connect");
  forget_errors();
  return real(link);
}

int SSL_accept(ssl_st* link) {
  static auto* real = next<int(ssl_st*)>("SSL_accept");
  forget_errors();
  return real(link);
}

} // extern "C"

namespace model_server {

void separate_tls_links() {
  // see the header
}

} // namespace model_server
