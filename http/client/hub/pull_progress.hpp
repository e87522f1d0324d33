// Shows how far a model is fetched.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace model_server {

/// How far it is.
struct pull_state {
  /// The file that is being fetched.
  std::string file;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  double bytes_per_second = 0;
};

/// One line of at most so many characters.
std::string progress_line(const pull_state& state, std::size_t columns);

/// Writes to stderr: a bar on a terminal, elsewhere a line for each file and
/// each tenth of it all.
class pull_progress {
public:
  pull_progress(std::uint64_t total, std::uint64_t done);
  ~pull_progress();

  pull_progress(const pull_progress&) = delete;
  pull_progress& operator=(const pull_progress&) = delete;

  void begin(const std::string& file);
  void add(std::uint64_t bytes);
  /// So much of what was there is thrown away.
  void lose(std::uint64_t bytes);
  void end();
  /// A line of its own.
  void tell(const std::string& text);

private:
  using clock = std::chrono::steady_clock;

  void draw();
  void clear();

  pull_state state_;
  bool is_terminal_;
  bool is_drawn_ = false;
  std::uint64_t fetched_ = 0;
  std::uint64_t tenths_ = 0;
  clock::time_point begun_ = clock::now();
  clock::time_point drawn_;
};

} // namespace model_server
