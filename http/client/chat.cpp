// Talks to a model from the terminal.
#include "http/client/chat.hpp"

#include "http/client/chat_line.hpp"
#include "http/client/conversation.hpp"
#include "http/client/line_reader.hpp"
#include "http/client/list.hpp"
#include "http/client/output.hpp"
#include "http/client/reply_event.hpp"
#include "http/client/server_link.hpp"
#include "http/client/terminal_text.hpp"

#include <fmt/format.h>

#include <exception>
#include <stdexcept>

#include <unistd.h>

namespace model_server {

namespace {

constexpr int failed = 1;

/// A reply as far as it has come.
struct received_reply {
  event_reader reader;
  std::string text;
  std::string finish_reason;
  /// The body, where it is no stream of events.
  std::string refusal;
  std::string error;
  bool is_done = false;
};

// Prints what is new of it; false at its end.
bool take_bytes(received_reply& reply, const http_head& head,
                std::string_view bytes) {
  if (head.status != 200) {
    reply.refusal += bytes;
    return reply.refusal.size() <= server_link::max_answer_bytes;
  }
  for (const auto& event : reply.reader.feed(bytes)) {
    auto news = read_reply_event(event);
    reply.text += news.text;
    print_now(plain_text(news.text));
    if (!news.finish_reason.empty())
      reply.finish_reason = news.finish_reason;
    reply.error = news.error;
    reply.is_done = news.is_done;
    if (reply.is_done || !reply.error.empty())
      return false;
  }
  return true;
}

class chat_session {
public:
  chat_session(const chat_options& options, interrupt_watch* watch)
      : link_(options.server, watch),
        path_("/api/v1/" + options.model + "/call") {
    talk_.set_system(options.system);
    for (const auto& [name, value] : options.fields)
      talk_.set_field(name, value);
  }

  conversation& talk() {
    return talk_;
  }

  server_link& link() {
    return link_;
  }

  /// Says something and prints the reply; both stay in the conversation if it
  /// comes to its end. Throws `std::runtime_error` if it fails, and
  /// `interrupted`, after which the part that was read stays.
  void say(std::string_view text) {
    talk_.say(text);
    received_reply reply;
    try {
      read_reply(reply);
    } catch (const interrupted&) {
      if (reply.text.empty())
        talk_.take_back();
      else
        talk_.hear(reply.text);
      throw;
    } catch (...) {
      end_line(reply);
      talk_.take_back();
      throw;
    }
    end_line(reply);
    talk_.hear(reply.text);
    if (reply.finish_reason == "length" && ::isatty(STDERR_FILENO))
      complain("the reply was cut off by max_tokens or the model's context");
  }

private:
  void read_reply(received_reply& reply) {
    http_exchange exchange{link_.request(path_, talk_.body()),
                           [&](const auto& head, std::string_view bytes) {
                             return take_bytes(reply, head, bytes);
                           }};
    link_.loop().run(exchange);
    if (reply.is_done)
      return;
    if (!reply.error.empty())
      throw std::runtime_error(plain_text(reply.error));
    if (exchange.end() != exchange_end::complete)
      throw std::runtime_error(
          link_.describe(exchange.end(), exchange.problem()));
    if (exchange.head().status != 200)
      throw std::runtime_error(link_.describe(exchange.head(), reply.refusal));
    throw std::runtime_error("the connection ended in the middle of the reply");
  }

  static void end_line(const received_reply& reply) {
    if (!reply.text.empty() && !reply.text.ends_with('\n'))
      print_now("\n");
  }

  server_link link_;
  std::string path_;
  conversation talk_;
};

void set_field(conversation& talk, const std::string& text) {
  auto [name, value] = read_field_setting(text);
  if (name.empty()) {
    for (const auto& [field, json] : talk.fields())
      print_now(fmt::format("{} {}\n", field, plain_text(json)));
  } else if (!value.empty()) {
    talk.set_field(name, value);
  } else if (!talk.unset_field(name)) {
    throw std::runtime_error(fmt::format("{} is not set", plain_text(name)));
  }
}

/// False for the end. Throws what goes wrong.
bool obey(chat_session& session, const chat_line& line) {
  switch (line.verb) {
  case chat_verb::nothing:
    break;
  case chat_verb::message:
    session.say(line.text);
    break;
  case chat_verb::begin_anew:
    session.talk().begin_anew();
    break;
  case chat_verb::system:
    session.talk().set_system(line.text);
    break;
  case chat_verb::set:
    set_field(session.talk(), line.text);
    break;
  case chat_verb::models:
    print_now(model_table(models_of(session.link())));
    break;
  case chat_verb::help:
    print_now(chat_help());
    break;
  case chat_verb::quit:
    return false;
  case chat_verb::unknown:
    throw std::runtime_error(fmt::format(
        "{} is no command; /help tells them, and a message that begins with "
        "/ is written with two",
        plain_text(line.text.substr(0, line.text.find(' ')))));
  }
  return true;
}

// With a person: nothing that goes wrong ends it.
int converse(const chat_options& options) {
  interrupt_watch watch;
  chat_session session{options, &watch};
  session.link().ask("/v1/models/" + options.model); // or why not
  print_now(fmt::format("{} at {}; /help tells the commands\n", options.model,
                        session.link().url()));
  auto lines = terminal_lines(watch);
  for (;;) {
    try {
      auto entry = read_entry(*lines, "> ");
      if (!entry)
        print_now("\n"); // behind the ^D
      if (!entry || !obey(session, read_chat_line(*entry)))
        return 0;
    } catch (const interrupted&) {
      watch.clear();
      print_now("\n");
    } catch (const std::exception& problem) {
      complain(problem.what());
    }
  }
}

// With a program: the first thing that goes wrong ends it.
int answer_lines(const chat_options& options) {
  chat_session session{options, nullptr};
  auto lines = input_lines();
  while (auto entry = read_entry(*lines, ""))
    if (!obey(session, read_chat_line(*entry)))
      break;
  return 0;
}

} // namespace

int chat(const chat_options& options) {
  if (!options.message.empty()) {
    chat_session session{options, nullptr};
    session.say(options.message == "-" ? read_all_input() : options.message);
    return 0;
  }
  return ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)
             ? converse(options)
             : answer_lines(options);
}

} // namespace model_server
