// The real program, started for a test and ended with it.
#pragma once

#include "support/http_client.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>
#include <vector>

namespace model_server {

/// A folder that goes with its owner.
class scratch_folder {
public:
  scratch_folder();
  ~scratch_folder();

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  /// Writes a file and gives its path.
  std::string write(const std::string& name, std::string_view text) const;

  std::string path(const std::string& name) const;

private:
  std::filesystem::path path_;
};

/// A run of the program.
class server_process {
public:
  /// Starts it with these models, on a port that the system chooses, and waits
  /// until it listens and every model in `started` is ready.
  server_process(std::string_view config,
                 const std::vector<std::string>& started,
                 const std::vector<std::string>& options = {});

  /// Starts it with exactly these arguments and waits for nothing.
  explicit server_process(const std::vector<std::string>& arguments);

  /// Kills what still runs.
  ~server_process();

  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  std::uint16_t port() const {
    return port_;
  }

  pid_t id() const {
    return process_;
  }

  void signal(int which) const;

  /// The next line on its stdout; empty at the end.
  std::string next_line();

  /// Waits for the end: the exit status, or minus the signal that ended it.
  int wait();

  /// What it has written to stderr.
  std::string log() const;

  /// Where its config.json and its log lie.
  const scratch_folder& folder() const {
    return folder_;
  }

private:
  void start(const std::vector<std::string>& arguments);

  scratch_folder folder_;
  pid_t process_ = -1;
  int output_ = -1;
  std::string read_;
  std::uint16_t port_ = 0;
};

/// Lowers the soft limit of descriptors, which programs that are started
/// meanwhile begin with, and puts it back in the end.
class low_descriptor_limit {
public:
  explicit low_descriptor_limit(std::size_t limit);
  ~low_descriptor_limit();

  low_descriptor_limit(const low_descriptor_limit&) = delete;
  low_descriptor_limit& operator=(const low_descriptor_limit&) = delete;

private:
  rlimit before_{};
};

/// Asks again and again until it is so; false if it takes too long.
bool comes_true(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = client_patience);

} // namespace model_server
