// Reads lines, on a terminal through libedit.
#include "http/client/line_reader.hpp"

#include <fmt/format.h>
#include <histedit.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace model_server {

namespace {

constexpr int remembered_lines = 1000;

class edited_lines : public line_reader {
public:
  explicit edited_lines(interrupt_watch& watch)
      : watch_(watch),
        history_(::history_init(), ::history_end),
        editor_(nullptr, ::el_end) {
    std::setlocale(LC_CTYPE, "C.UTF-8"); // what libedit's wide characters are
    editor_.reset(::el_init("model_api", stdin, stdout, stderr));
    if (editor_ == nullptr || history_ == nullptr)
      throw std::runtime_error("the terminal cannot be used");
    HistEvent ignored{};
    ::history(history_.get(), &ignored, H_SETSIZE, remembered_lines);
    auto* editor = editor_.get();
    ::el_set(editor, EL_CLIENTDATA, this);
    ::el_set(editor, EL_PROMPT, &show_prompt);
    ::el_set(editor, EL_EDITOR, "emacs");
    ::el_set(editor, EL_HIST, &::history, history_.get());
    ::el_set(editor, EL_GETCFN, &read_character);
  }

  std::optional<std::string> next(const std::string& prompt) override {
    prompt_ = prompt;
    ::el_resize(editor_.get());
    int size = 0;
    const auto* text = ::el_gets(editor_.get(), &size);
    if (watch_.is_set()) {
      watch_.clear();
      ::el_reset(editor_.get());
      throw interrupted{};
    }
    if (text == nullptr || size <= 0)
      return std::nullopt;
    std::string line{text, static_cast<std::size_t>(size)};
    HistEvent ignored{};
    ::history(history_.get(), &ignored, H_ENTER, line.c_str());
    if (line.ends_with('\n'))
      line.pop_back();
    return line;
  }

private:
  static edited_lines& self_of(EditLine* editor) {
    void* self = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<edited_lines*>(self);
  }

  static char* show_prompt(EditLine* editor) {
    return self_of(editor).prompt_.data();
  }

  // libedit's own would go on reading after a signal.
  static int read_character(EditLine* editor, wchar_t* character) {
    auto& self = self_of(editor);
    std::mbstate_t state{};
    for (;;) {
      std::array<pollfd, 2> watched{
          {{STDIN_FILENO, POLLIN, 0}, {self.watch_.descriptor(), POLLIN, 0}}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
        return -1;
      if (self.watch_.is_set())
        return -1;
      if (watched[0].revents == 0)
        continue;
      char byte = 0;
      auto count = ::read(STDIN_FILENO, &byte, 1);
      if (count == 0)
        return 0;
      if (count < 0)
        return -1;
      // A Ctrl-D from before the terminal was told that a line is edited.
      if (byte == 0)
        byte = 4;
      auto used = std::mbrtowc(character, &byte, 1, &state);
      if (used == 0 || used == 1)
        return 1;
      if (used == static_cast<std::size_t>(-1))
        state = {}; // not UTF-8
    }
  }

  interrupt_watch& watch_;
  std::string prompt_;
  std::unique_ptr<History, void (*)(History*)> history_;
  std::unique_ptr<EditLine, void (*)(EditLine*)> editor_;
};

class piped_lines : public line_reader {
public:
  std::optional<std::string> next(const std::string&) override {
    std::string line;
    if (!std::getline(std::cin, line))
      return std::nullopt;
    if (line.ends_with('\r'))
      line.pop_back();
    return line;
  }
};

} // namespace

std::unique_ptr<line_reader> terminal_lines(interrupt_watch& watch) {
  return std::make_unique<edited_lines>(watch);
}

std::unique_ptr<line_reader> input_lines() {
  return std::make_unique<piped_lines>();
}

std::string read_all_input() {
  return {std::istreambuf_iterator<char>{std::cin}, {}};
}

std::optional<std::string> read_entry(line_reader& lines,
                                      const std::string& prompt) {
  auto result = lines.next(prompt);
  while (result && result->ends_with('\\')) {
    result->back() = '\n';
    auto more = lines.next("... ");
    if (!more)
      break;
    *result += *more;
  }
  return result;
}

} // namespace model_server
