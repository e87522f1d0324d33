// Stands in for a few functions of OpenSSL. Symbols of the program go before
// those of shared libraries, for the libraries too.
#include "actors/tls_links.hpp"

#include <fmt/format.h>

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

namespace {

// What every link uses; null before it is prepared.
SSL_CTX* prepared = nullptr;

// The function of the library that ours stands in for.
template <class Function>
Function* library(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

#define MODEL_SERVER_LIBRARY(name)                                             \
  static auto* const real = library(&name, #name)

extern "C" {

SSL_CTX* SSL_CTX_new(const SSL_METHOD* method) {
  MODEL_SERVER_LIBRARY(SSL_CTX_new);
  if (prepared == nullptr)
    return real(method);
  SSL_CTX_up_ref(prepared);
  return prepared;
}

int SSL_CTX_use_certificate_chain_file(SSL_CTX* context, const char* file) {
  MODEL_SERVER_LIBRARY(SSL_CTX_use_certificate_chain_file);
  return context == prepared ? 1 : real(context, file);
}

int SSL_CTX_use_PrivateKey_file(SSL_CTX* context, const char* file, int type) {
  MODEL_SERVER_LIBRARY(SSL_CTX_use_PrivateKey_file);
  return context == prepared ? 1 : real(context, file, type);
}

int SSL_CTX_load_verify_locations(SSL_CTX* context, const char* file,
                                  const char* folder) {
  MODEL_SERVER_LIBRARY(SSL_CTX_load_verify_locations);
  return context == prepared ? 1 : real(context, file, folder);
}

int SSL_read(SSL* link, void* to, int size) {
  MODEL_SERVER_LIBRARY(SSL_read);
  ERR_clear_error();
  return real(link, to, size);
}

int SSL_write(SSL* link, const void* from, int size) {
  MODEL_SERVER_LIBRARY(SSL_write);
  ERR_clear_error();
  return real(link, from, size);
}

int SSL_connect(SSL* link) {
  MODEL_SERVER_LIBRARY(SSL_connect);
  ERR_clear_error();
  return real(link);
}

int SSL_accept(SSL* link) {
  MODEL_SERVER_LIBRARY(SSL_accept);
  ERR_clear_error();
  return real(link);
}

} // extern "C"

namespace model_server {

namespace {

void require(bool is_well, const char* option, const std::string& file) {
  if (is_well)
    return;
  std::string why(256, '\0');
  ERR_error_string_n(ERR_get_error(), why.data(), why.size());
  throw config_error(
      fmt::format("--{} {} cannot be used: {}", option, file, why.c_str()));
}

} // namespace

void prepare_tls(const cluster_settings& cluster) {
  auto* context = SSL_CTX_new(TLS_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  require(
      SSL_CTX_use_certificate_chain_file(context, cluster.certificate.c_str())
          == 1,
      "cluster-cert", cluster.certificate);
  require(SSL_CTX_use_PrivateKey_file(context, cluster.key.c_str(),
                                      SSL_FILETYPE_PEM)
                  == 1
              && SSL_CTX_check_private_key(context) == 1,
          "cluster-key", cluster.key);
  require(
      SSL_CTX_load_verify_locations(context, cluster.authority.c_str(), nullptr)
          == 1,
      "cluster-ca", cluster.authority);
  prepared = context;
}

} // namespace model_server
