// A model that breaks on command, for tests of everything around a model.
//
// It has no weights. Its reply is checkable: token 17 reads `17:9f3a `, and the
// four digits are a function of the seed and 17 (`fault_reply.hpp`). Words of
// the last user message that have a `=` or `@` in them are commands:
//
//   len=20          tokens of the reply
//   burst=3         tokens of a step
//   prompt_steps=4  steps before the first token
//   sleep_ms=5      sleep in every step; sleep_ms=5@3 before token 3 alone
//   throw@5         throws instead of token 5; likewise throw_int, abort, segv,
//                   exit, hang, nan (this reply alone fails), bad_utf8, split
//   throw@5:once    only in a reply that began with this worker: the worker
//                   that resumes it, with tokens 1 to 4 in hand, goes on
//
// Params: `enable` (true, or it is refused), `commands` (for every reply,
// before those of the message), `context_length`, and for the loading:
// `load_sleep_ms`, `load_throw` (a text), `load_throw_while` (a file: fails as
// long as it is there).
#include "models/entries/fault_commands.hpp"
#include "models/entries/fault_reply.hpp"
#include "models/model_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <thread>
#include <unordered_map>

namespace model_server {

namespace {

using std::chrono::milliseconds;

// Tokens below the first of a reply, which has number 1 in its upper half.
constexpr token_id end_token = 0;
constexpr token_id bad_utf8_token = 1;
constexpr token_id first_half_token = 2;
constexpr token_id second_half_token = 3;
constexpr token_id first_byte_token = 256;

std::string_view last_user_text(const chat& conversation) {
  const auto& messages = conversation.messages;
  for (auto at = messages.rbegin(); at != messages.rend(); ++at)
    if (at->role == chat_role::user)
      return at->content;
  return {};
}

class fault_entry : public model_entry {
public:
  fault_entry(fault_plan usual, std::size_t context_length)
      : usual_(std::move(usual)), context_length_(context_length) {
    // nop
  }

  model_info info() const override {
    model_info result;
    result.context_length = context_length_;
    result.end_tokens = {end_token};
    result.is_exact = true;
    return result;
  }

  // A token a byte.
  std::vector<token_id> encode(const chat& conversation) const override {
    plan_for(conversation);
    std::vector<token_id> result;
    for (const auto& message : conversation.messages) {
      for (auto byte : message.content)
        result.push_back(first_byte_token + static_cast<unsigned char>(byte));
      result.push_back(first_byte_token + '\n');
    }
    return result;
  }

  std::string decode(token_id token, bool) const override {
    if (token >= first_byte_token && token < first_byte_token + 256)
      return {static_cast<char>(token - first_byte_token)};
    switch (token) {
    case bad_utf8_token:
      return "\xFF";
    case first_half_token:
      return "\xC3";
    case second_half_token:
      return "\xA9";
    default:
      return fault_text(token);
    }
  }

  void step(std::span<sequence* const> batch) override {
    milliseconds pause{0};
    for (auto* one : batch)
      pause = std::max(pause, pause_of(open(*one), *one));
    std::this_thread::sleep_for(pause);
    for (auto* one : batch)
      advance(open(*one), *one);
  }

  void release(sequence_id id) override {
    open_.erase(id);
  }

private:
  struct open_reply {
    fault_plan plan;
    // It had tokens when it came here.
    bool is_resumed = false;
    std::size_t steps = 0;
  };

  fault_plan plan_for(const chat& conversation) const {
    auto result = usual_;
    try {
      add_commands(result, last_user_text(conversation));
    } catch (const bad_command& problem) {
      throw bad_chat(problem.what());
    }
    return result;
  }

  open_reply& open(const sequence& one) {
    auto found = open_.find(one.id);
    if (found == open_.end())
      found = open_
                  .emplace(one.id, open_reply{plan_for(*one.conversation),
                                              one.reply_size() != 0, 0})
                  .first;
    return found->second;
  }

  static milliseconds pause_of(const open_reply& reply, const sequence& one) {
    milliseconds result{0};
    for (const auto& fault : reply.plan.faults)
      if (fault.kind == fault_kind::sleep
          && is_due(fault, reply, one.reply_size() + 1))
        result += milliseconds{fault.milliseconds};
    return result;
  }

  static bool is_due(const fault& what, const open_reply& reply,
                     std::size_t number) {
    return (what.at == 0 || what.at == number)
           && !(what.once && reply.is_resumed);
  }

  static void advance(open_reply& reply, sequence& one) {
    if (reply.steps++ < reply.plan.prompt_steps)
      return;
    for (std::size_t i = 0; i < reply.plan.burst; ++i) {
      if (one.reply_size() >= reply.plan.length) {
        one.tokens.push_back(end_token);
        return;
      }
      append_token(reply, one);
      if (!one.failure.empty())
        return;
    }
  }

  static void append_token(const open_reply& reply, sequence& one) {
    auto number = one.reply_size() + 1;
    auto token = fault_token(one.sampling.seed, number);
    for (const auto& fault : reply.plan.faults) {
      if (fault.kind == fault_kind::split && fault.at + 1 == number)
        token = second_half_token;
      if (!is_due(fault, reply, number))
        continue;
      switch (fault.kind) {
      case fault_kind::bad_utf8:
        token = bad_utf8_token;
        break;
      case fault_kind::split:
        token = first_half_token;
        break;
      case fault_kind::nan:
        one.failure =
            fmt::format("there is NaN among the scores of token {}", number);
        return;
      default:
        break_down(fault.kind, number);
      }
    }
    one.tokens.push_back(token);
  }

  static void break_down(fault_kind kind, std::size_t number) {
    switch (kind) {
    case fault_kind::throw_error:
      throw std::runtime_error(
          fmt::format("fault was told to throw at token {}", number));
    case fault_kind::throw_int:
      throw static_cast<int>(number);
    case fault_kind::abort:
      std::abort();
    case fault_kind::segv:
      std::raise(SIGSEGV);
      return;
    case fault_kind::exit:
      std::_Exit(70);
    case fault_kind::hang:
      for (;;)
        std::this_thread::sleep_for(std::chrono::hours{1});
    default:
      return;
    }
  }

  fault_plan usual_;
  std::size_t context_length_;
  std::unordered_map<sequence_id, open_reply> open_;
};

struct fault_params {
  fault_plan usual;
  std::size_t context_length;
  milliseconds load_sleep;
  std::string load_throw;
  std::string load_throw_while;
};

fault_params read_params(const entry_params& given) {
  auto params = given.bind({"enable", "commands", "context_length",
                            "load_sleep_ms", "load_throw", "load_throw_while"});
  if (!params.bool_or("enable", false))
    throw config_error("this entry breaks its worker on command and is for "
                       "tests alone; parameter \"enable\" must be true");
  fault_params result;
  try {
    add_commands(result.usual, params.string_or("commands", {}));
  } catch (const bad_command& problem) {
    throw config_error(
        fmt::format("parameter \"commands\": {}", problem.what()));
  }
  result.context_length = static_cast<std::size_t>(
      params.integer_or("context_length", 65'536, 1, 1 << 30));
  result.load_sleep =
      milliseconds{params.integer_or("load_sleep_ms", 0, 0, 600'000)};
  result.load_throw = params.string_or("load_throw", {});
  result.load_throw_while = params.string_or("load_throw_while", {});
  return result;
}

void break_loading(const fault_params& params, const load_watch& watch) {
  constexpr auto parts = 20;
  for (auto part = 0; part < parts; ++part) {
    std::this_thread::sleep_for(params.load_sleep / parts);
    if (watch)
      watch((part + 1.0) / parts);
  }
  if (!params.load_throw.empty())
    throw std::runtime_error(params.load_throw);
  const auto& file = params.load_throw_while;
  if (!file.empty() && std::filesystem::exists(file))
    throw std::runtime_error("fault does not load while there is " + file);
}

} // namespace

std::string fault_text(token_id token) {
  auto number = token >> 16;
  return number < 1 ? "" : fmt::format("{}:{:04x} ", number, token & 0xFFFF);
}

std::string fault_reply(std::uint64_t seed, std::size_t length) {
  std::string result;
  for (std::size_t i = 1; i <= length; ++i)
    result += fault_text(fault_token(seed, i));
  return result;
}

std::unique_ptr<model_entry> make_fault(const entry_spec& spec) {
  auto params = read_params(spec.params);
  break_loading(params, spec.watch);
  return std::make_unique<fault_entry>(std::move(params.usual),
                                       params.context_length);
}

void check_fault(const entry_params& params) {
  read_params(params);
}

} // namespace model_server
