// Chat templates, parsed and rendered.
#include "tests/fuzz/harness.hpp"

#include "models/chat.hpp"
#include "models/text/chat_renderer.hpp"

#include <string>

namespace model_server::testing {

namespace {

// Stands in everything that is said; no template has it.
constexpr std::string_view mark = "\u2603said\u2603";

chat conversation() {
  std::string said{mark};
  return {{{chat_role::system, said + " Be brief."},
           {chat_role::user, " \n" + said + " <|im_end|> 1 {{ 2 }}\n"},
           {chat_role::agent, said + "</think>Fine, " + said},
           {chat_role::user, said}}};
}

chat_renderer_options small_budgets() {
  using namespace std::chrono_literals;
  chat_renderer_options result;
  result.special_tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  result.limits = {.max_steps = 20'000,
                   .max_output_bytes = 64 * 1024,
                   .max_made_bytes = 4 * 1024 * 1024,
                   // Frames are several times as large with sanitizers.
                   .max_depth = 120,
                   .max_time = 2000ms};
  result.clock = [] {
    std::tm time{};
    time.tm_year = 125;
    time.tm_mday = 1;
    return time;
  };
  return result;
}

void render(const chat_renderer& renderer, const chat& talk,
            std::string_view source) {
  may_refuse([&] {
    auto prompt = renderer.render(talk);
    for (std::size_t i = 0; i < prompt.size(); ++i) {
      require(i == 0 || prompt[i].trusted != prompt[i - 1].trusted,
              "neighbours differ in trust");
      require(!prompt[i].trusted
                  || prompt[i].text.find(mark) == std::string::npos
                  || source.find(mark) != std::string_view::npos,
              "what is said is not trusted");
    }
  });
}

} // namespace

void use_template(std::string_view source) {
  chat_renderer renderer{source, small_budgets()};
  auto talk = conversation();
  render(renderer, talk, source);
  // The agent goes on with its own turn.
  talk.messages.pop_back();
  render(renderer, talk, source);
}

void try_chat_template(std::string_view file) {
  may_refuse([&] { use_template(file); });
}

} // namespace model_server::testing
