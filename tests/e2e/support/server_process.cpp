// Starts the program that CMake names, and watches it.
#include "support/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

extern char** environ;

namespace model_server {

// -- scratch_folder -----------------------------------------------------------

scratch_folder::scratch_folder() {
  auto pattern =
      (std::filesystem::temp_directory_path() / "e2e-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  path_ = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string scratch_folder::path(const std::string& name) const {
  return (path_ / name).string();
}

std::string scratch_folder::write(const std::string& name,
                                  std::string_view text) const {
  std::ofstream{path(name)} << text;
  return path(name);
}

// -- server_process -----------------------------------------------------------

server_process::server_process(std::string_view config,
                               const std::vector<std::string>& started,
                               const std::vector<std::string>& options) {
  std::vector<std::string> arguments{
      "--config", folder_.write("config.json", config), "--port", "0"};
  for (const auto& model : started)
    arguments.insert(arguments.end(), {"--model", model, "--device", "cpu"});
  arguments.insert(arguments.end(), options.begin(), options.end());
  start(arguments);
  auto line = next_line();
  auto colon = line.rfind(':');
  if (!line.starts_with("listening on ") || colon == std::string::npos)
    throw std::runtime_error("the server does not listen: " + line + log());
  port_ = static_cast<std::uint16_t>(std::stoul(line.substr(colon + 1)));
  for (std::size_t i = 0; i < started.size(); ++i)
    if (line = next_line(); line.find(" is ready on ") == std::string::npos)
      throw std::runtime_error("a model is not ready: " + line + log());
}

server_process::server_process(const std::vector<std::string>& arguments) {
  start(arguments);
}

void server_process::start(const std::vector<std::string>& arguments) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) < 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  output_ = pipe[0];
  auto log_path = folder_.path("log");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, pipe[1], 1);
  posix_spawn_file_actions_addopen(&files, 2, log_path.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::string program = MODEL_API_PROGRAM;
  std::vector<char*> argv{program.data()};
  auto kept = arguments;
  for (auto& argument : kept)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  auto failed = ::posix_spawn(&process_, program.c_str(), &files, nullptr,
                              argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  ::close(pipe[1]);
  if (failed != 0)
    throw std::system_error(failed, std::generic_category(), program);
}

server_process::~server_process() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  if (output_ >= 0)
    ::close(output_);
}

void server_process::signal(int which) const {
  ::kill(process_, which);
}

std::string server_process::next_line() {
  for (;;) {
    if (auto end = read_.find('\n'); end != std::string::npos) {
      auto line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    pollfd watched{output_, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(client_patience.count())) == 0)
      throw std::runtime_error("the server prints nothing: " + log());
    std::array<char, 4096> buffer;
    auto size = ::read(output_, buffer.data(), buffer.size());
    if (size <= 0)
      return std::exchange(read_, {});
    read_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

int server_process::wait() {
  int status = 0;
  auto ended = comes_true(
      [&] { return ::waitpid(process_, &status, WNOHANG) == process_; },
      std::chrono::milliseconds{60'000});
  if (!ended)
    throw std::runtime_error("the server does not end: " + log());
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string server_process::log() const {
  std::ostringstream text;
  text << std::ifstream{folder_.path("log")}.rdbuf();
  return text.str();
}

low_descriptor_limit::low_descriptor_limit(std::size_t limit) {
  ::getrlimit(RLIMIT_NOFILE, &before_);
  rlimit low{limit, before_.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
}

low_descriptor_limit::~low_descriptor_limit() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

bool comes_true(const std::function<bool()>& condition,
                std::chrono::milliseconds limit) {
  auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    ::poll(nullptr, 0, 5); // between two looks
  }
  return true;
}

} // namespace model_server
