// Tells messages and commands apart.
#include "http/client/chat_line.hpp"

#include "config/line_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace model_server {

namespace {

constexpr std::array<std::pair<std::string_view, chat_verb>, 6> commands{
    {{"/new", chat_verb::begin_anew},
     {"/system", chat_verb::system},
     {"/set", chat_verb::set},
     {"/models", chat_verb::models},
     {"/help", chat_verb::help},
     {"/quit", chat_verb::quit}}};

constexpr std::string_view spaces = " \t\r\n";

} // namespace

chat_line read_chat_line(std::string_view text) {
  if (trimmed_line(text).empty())
    return {};
  if (text.starts_with("//"))
    return {chat_verb::message, std::string{text.substr(1)}};
  if (!text.starts_with('/'))
    return {chat_verb::message, std::string{text}};
  auto name = text.substr(0, text.find_first_of(spaces));
  for (const auto& [known, verb] : commands)
    if (name == known)
      return {verb, std::string{trimmed_line(text.substr(name.size()))}};
  return {chat_verb::unknown, std::string{text}};
}

field_setting read_field_setting(std::string_view text) {
  text = trimmed_line(text);
  auto end = text.find_first_of("= \t");
  field_setting result;
  result.name = text.substr(0, end);
  if (end == text.npos)
    return result;
  auto value = trimmed_line(text.substr(end));
  if (value.starts_with('='))
    value = trimmed_line(value.substr(1));
  result.value = value;
  return result;
}

std::string_view chat_help() {
  return "/new                 begin a new conversation\n"
         "/system TEXT         what the model is told before everything else\n"
         "/set FIELD VALUE     a field of the request: /set temperature 0.2\n"
         "/set FIELD           as it is by default\n"
         "/set                 the fields that are set\n"
         "/models              the models of the server\n"
         "/quit                leave; so does Ctrl-D\n"
         "A line that ends with \\ goes on in the next; a message that begins "
         "with /\nis written with two. Ctrl-C stops a reply.\n";
}

} // namespace model_server
