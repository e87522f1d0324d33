// Certificates for tests of TLS, made when they are needed.
#pragma once

#include <filesystem>
#include <string>

namespace model_server {

/// An authority, and a server called localhost that it vouches for: files in
/// PEM format in a folder of the test.
class test_certificates {
public:
  /// By the program openssl. Throws if there is none.
  explicit test_certificates(std::filesystem::path folder);

  /// Makes another certificate and key for the server, with this serial number,
  /// in place of those before.
  void renew(int number) const;

  std::string authority() const {
    return path("ca.pem");
  }
  std::string certificate() const {
    return path("server.pem");
  }
  std::string key() const {
    return path("server.key");
  }

private:
  std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  void run(const std::string& command) const;

  std::filesystem::path folder_;
};

} // namespace model_server
