// Parses the command words of the entry `fault`.
#include "models/entries/fault_commands.hpp"

#include "config/quote.hpp"
#include "models/entries/fault_reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace model_server {

namespace {

constexpr unsigned most_milliseconds = 600'000;

constexpr std::array<std::pair<std::string_view, fault_kind>, 9> kinds{{
    {"throw", fault_kind::throw_error},
    {"throw_int", fault_kind::throw_int},
    {"abort", fault_kind::abort},
    {"segv", fault_kind::segv},
    {"exit", fault_kind::exit},
    {"hang", fault_kind::hang},
    {"nan", fault_kind::nan},
    {"bad_utf8", fault_kind::bad_utf8},
    {"split", fault_kind::split},
}};

[[noreturn]] void refuse(std::string_view word, std::string_view needed) {
  throw bad_command(fmt::format("{} is no command of the entry fault: {}",
                                quote(word, 64), needed));
}

std::size_t parse_number(std::string_view text, std::string_view word,
                         std::size_t least, std::size_t most) {
  std::size_t result = 0;
  auto [at, problem] =
      std::from_chars(text.data(), text.data() + text.size(), result);
  if (problem != std::errc{} || at != text.data() + text.size()
      || result < least || result > most)
    refuse(word, fmt::format("a number from {} to {} is needed", least, most));
  return result;
}

// What stands before and after `mark`; the second is empty without it.
std::pair<std::string_view, std::string_view> split(std::string_view text,
                                                    std::string_view mark) {
  auto at = text.find(mark);
  if (at == text.npos)
    return {text, {}};
  return {text.substr(0, at), text.substr(at + mark.size())};
}

// `17` or `17:once`
void parse_place(fault& result, std::string_view place, std::string_view word) {
  auto [number, rule] = split(place, ":");
  if (number.size() != place.size() && rule != "once")
    refuse(word, "after the colon only once may follow");
  result.once = rule == "once";
  // Whether a reply is resumed shows in its tokens, so it must have one.
  result.at = parse_number(number, word, result.once ? 2 : 1, max_fault_reply);
}

void add_command(fault_plan& plan, std::string_view word) {
  auto [setting, place] = split(word, "@");
  auto [name, value] = split(setting, "=");
  if (name.size() == setting.size()) {
    const auto* known = std::find_if(kinds.begin(), kinds.end(),
                                     [&](auto& k) { return k.first == name; });
    if (known == kinds.end()) {
      std::string names = "sleep_ms";
      for (const auto& kind : kinds)
        (names += ", ") += kind.first;
      refuse(word, "what comes at a token is one of " + names);
    }
    fault result{known->second};
    parse_place(result, place, word);
    plan.faults.push_back(result);
  } else if (name == "sleep_ms") {
    fault result{fault_kind::sleep};
    result.milliseconds =
        static_cast<unsigned>(parse_number(value, word, 0, most_milliseconds));
    if (setting.size() != word.size())
      parse_place(result, place, word);
    plan.faults.push_back(result);
  } else if (setting.size() != word.size()) {
    refuse(word, "only sleep_ms takes both a value and a token");
  } else if (name == "len") {
    plan.length = parse_number(value, word, 0, max_fault_reply);
  } else if (name == "burst") {
    plan.burst = parse_number(value, word, 1, 1000);
  } else if (name == "prompt_steps") {
    plan.prompt_steps = parse_number(value, word, 0, 1000);
  } else {
    refuse(word, "what takes a value is one of len, burst, prompt_steps, "
                 "sleep_ms");
  }
}

} // namespace

void add_commands(fault_plan& plan, std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  while (!text.empty()) {
    auto begin = std::min(text.find_first_not_of(spaces), text.size());
    text.remove_prefix(begin);
    auto word = text.substr(0, text.find_first_of(spaces));
    text.remove_prefix(word.size());
    if (word.find_first_of("=@") != word.npos)
      add_command(plan, word);
  }
}

} // namespace model_server
