// What `model_api quantize` does.
#include "models/quantize.hpp"

#include "models/nets/packed_folder.hpp"
#include "models/nets/packed_tensors.hpp"

#include <fmt/format.h>

#include <cstdio>

#include <unistd.h>

namespace model_server {

namespace {

void show_progress(double done) {
  constexpr int width = 40;
  auto filled = static_cast<int>(done * width);
  fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {:3.0f} %", "", filled, "",
             width - filled, done * 100);
  if (done >= 1.0)
    fmt::print(stderr, "\n");
  std::fflush(stderr);
}

} // namespace

std::vector<std::string> packed_format_names() {
  std::vector<std::string> result;
  for (auto format :
       {packed_format::int8, packed_format::int4, packed_format::bf16})
    result.emplace_back(to_string(format));
  return result;
}

void quantize(const std::filesystem::path& from, const std::filesystem::path& to,
              const std::string& format) {
  load_watch watch;
  if (::isatty(STDERR_FILENO))
    watch = show_progress;
  auto sizes =
      write_packed_folder(from, to, packed_format_named(format).value(), watch);
  constexpr double megabyte = 1e6;
  fmt::print("{}: {:.1f} MB of weights, {:.1f} MB before\n", to.string(),
             static_cast<double>(sizes.bytes_after) / megabyte,
             static_cast<double>(sizes.bytes_before) / megabyte);
}

} // namespace model_server
