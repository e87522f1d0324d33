// Ctrl-C as something to ask for, in the place of the end of the process.
#pragma once

#include <exception>

namespace model_server {

/// While one lives, SIGINT is noted here and does not end the process. One at a
/// time.
class interrupt_watch {
public:
  interrupt_watch();
  ~interrupt_watch();

  interrupt_watch(const interrupt_watch&) = delete;
  interrupt_watch& operator=(const interrupt_watch&) = delete;

  /// True from the signal until `clear`.
  bool is_set() const;

  /// Readable while it is set, to wait for it beside other things.
  int descriptor() const {
    return read_end_;
  }

  void clear();

private:
  int read_end_ = -1;
};

/// Thrown where Ctrl-C ends a command.
struct interrupted : std::exception {
  const char* what() const noexcept override {
    return "stopped";
  }
};

} // namespace model_server
