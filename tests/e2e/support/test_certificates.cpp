// Makes certificates with the program openssl.
#include "support/test_certificates.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

constexpr auto new_key =
    "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

} // namespace

test_certificates::test_certificates(std::filesystem::path folder)
    : folder_(std::move(folder)) {
  std::ofstream{path("names")} << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
  run(fmt::format("req -x509 {} -keyout ca.key -out ca.pem -days 2 "
                  "-subj '/CN=authority of a test'",
                  new_key));
  renew(1);
}

void test_certificates::renew(int number) const {
  run(fmt::format("req {} -keyout server.key -out server.csr "
                  "-subj /CN=localhost",
                  new_key));
  run(fmt::format("x509 -req -in server.csr -CA ca.pem -CAkey ca.key "
                  "-set_serial {} -days 2 -extfile names -out server.pem",
                  number));
}

void test_certificates::run(const std::string& command) const {
  auto line = fmt::format("cd '{}' && openssl {} 2>openssl.log",
                          folder_.string(), command);
  if (std::system(line.c_str()) != 0)
    throw std::runtime_error("openssl fails: " + command);
}

} // namespace model_server
