// One process of the server follows another, and the port is never closed.
#pragma once

#include "actors/shared_memory.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace model_server {

/// As the first argument it says that this process follows another one. Not
/// for people: the one before starts it, with more in descriptors.
inline constexpr const char* successor_flag = "--successor";

/// What a process has of the one that it follows.
class predecessor {
public:
  /// Takes the descriptors; in a process that was started as a successor.
  predecessor();

  /// Where clients come, also those whom nobody has accepted yet.
  int listening_socket() const {
    return listening_socket_;
  }

  /// The models and devices that it serves, one `model device` a line.
  std::string devices() const;

  /// Serves no new clients from now on, finishes its replies and ends.
  void relieve();

private:
  int listening_socket_;
  unique_fd devices_;
  unique_fd news_;
};

/// A second process of this program that is to take over.
class successor {
public:
  /// Starts it by the command line of this process. `told` is called on another
  /// thread when it serves, or has ended before. Throws `std::system_error`.
  successor(std::vector<std::string> command_line, int listening_socket,
            const std::string& devices, std::function<void()> told);

  /// Ends it if it does not serve yet.
  ~successor();

  successor(const successor&) = delete;
  successor& operator=(const successor&) = delete;

  pid_t id() const {
    return id_;
  }

  /// It has accepted clients, and this process need not.
  bool serves() const {
    return serves_;
  }

  /// It has ended without.
  bool has_failed() const {
    return has_failed_;
  }

private:
  void watch(const std::function<void()>& told);

  pid_t id_ = -1;
  unique_fd news_;
  std::atomic<bool> serves_{false};
  std::atomic<bool> has_failed_{false};
  std::thread watcher_;
};

} // namespace model_server
