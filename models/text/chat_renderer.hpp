// Turns a conversation into the prompt of one model, by its chat template.
#pragma once

#include "models/chat.hpp"
#include "models/text/chat_template.hpp"
#include "models/text/prompt_segment.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// What a template may ask for beside the conversation.
struct chat_renderer_options {
  /// How the model spells its special tokens, by the names that templates use:
  /// `bos_token`, `eos_token` and the like.
  std::vector<std::pair<std::string, std::string>> special_tokens;
  /// Given to every rendering: the clock and the budgets.
  template_limits limits;
  template_clock clock = local_clock();
};

/// The chat template of one model, ready for conversations. Constant after
/// construction; calls may overlap.
class chat_renderer {
public:
  /// Throws `template_error` if `source` is no template that is understood.
  chat_renderer(std::string_view source, chat_renderer_options options);

  /// Looks for `chat_template.jinja`, then for `chat_template` in
  /// `tokenizer_config.json`; nothing if the folder has neither. Throws
  /// `std::runtime_error` naming the file that is broken.
  /// `source` is a file with another template, if it is not empty.
  static std::optional<chat_renderer>
  from_folder(const std::filesystem::path& folder,
              const std::filesystem::path& source = {});

  /// The prompt of a conversation: up to where the agent speaks next, or, when
  /// the last turn is the agent's, up to the end of what it has said. What
  /// `template_arguments` hold, a JSON object, the template finds by its names,
  /// but for what is said here. Throws
  /// `bad_chat` if the template refuses the conversation.
  std::vector<prompt_segment> render(const chat& conversation) const;

private:
  chat_template template_;
  chat_renderer_options options_;
};

} // namespace model_server
