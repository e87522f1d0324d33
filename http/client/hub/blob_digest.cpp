// Computes checksums by OpenSSL.
#include "http/client/hub/blob_digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace model_server {

namespace {

void check(int result) {
  if (result != 1)
    throw std::runtime_error("OpenSSL computes no checksum");
}

} // namespace

blob_digest::blob_digest(digest_kind kind, std::uint64_t size)
    : kind_(kind), context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  check(EVP_DigestInit_ex(
      context_.get(), kind == digest_kind::sha256 ? EVP_sha256() : EVP_sha1(),
      nullptr));
  if (kind == digest_kind::git_sha1) {
    auto head = fmt::format("blob {}", size);
    add({head.c_str(), head.size() + 1}); // with its zero
  }
}

void blob_digest::add(std::string_view bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void blob_digest::add_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::string buffer(1 << 20, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))
         || file.gcount() > 0)
    add({buffer.data(), static_cast<std::size_t>(file.gcount())});
  if (!file.eof())
    throw std::system_error(errno, std::generic_category(), path.string());
}

blob_id blob_digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size));
  blob_id result{kind_, {}};
  for (unsigned i = 0; i < size; ++i)
    result.hex += fmt::format("{:02x}", bytes[i]);
  return result;
}

} // namespace model_server
