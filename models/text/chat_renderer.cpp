// Hands a conversation to the template and marks what the client wrote.
#include "models/text/chat_renderer.hpp"

#include "models/entry.hpp"
#include "models/text/json_node.hpp"
#include "models/text/python_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{16} << 20;

/// Put behind the agent's last words, so that their end is found in the
/// prompt. The blank tells whether the template keeps blanks there.
constexpr std::string_view end_mark = "CONTINUE_FINAL_MESSAGE_TAG ";

constexpr std::array special_names{"bos_token", "eos_token", "unk_token",
                                   "sep_token", "pad_token", "cls_token",
                                   "mask_token"};

std::string_view name_of(chat_role role) {
  switch (role) {
  case chat_role::system:
    return "system";
  case chat_role::user:
    return "user";
  case chat_role::agent:
    return "assistant";
  default:
    return "tool";
  }
}

template_value to_messages(const chat& conversation) {
  std::vector<template_value> messages;
  for (auto& message : conversation.messages) {
    auto content = message.content;
    if (conversation.continues_agent()
        && messages.size() + 1 == conversation.messages.size())
      content += end_mark;
    template_dict entry;
    entry.set("role",
              template_value::text(std::string{name_of(message.role)}, true));
    entry.set("content", template_value::text(std::move(content), false));
    messages.push_back(template_value::dict(std::move(entry)));
  }
  return template_value::list(std::move(messages));
}

/// What the client gives beside the messages; its strings are never trusted.
void add_arguments(const std::string& arguments, template_dict& variables) {
  if (arguments.empty())
    return;
  auto given = template_value_from_json(arguments, false);
  for (auto& [name, value] : given.as_dict()->entries())
    variables.set(name, value);
}

/// The prompt up to the end of the agent's words.
std::vector<prompt_segment> cut_at_mark(std::vector<prompt_segment> prompt,
                                        const std::string& content) {
  marked_text text;
  for (auto& segment : prompt)
    text.append(segment.text, segment.trusted);
  auto bare_mark = end_mark.substr(0, end_mark.size() - 1);
  auto words = std::string_view{content}.substr(space_size(content));
  words = words.substr(0, rstrip_size(words));
  auto all = std::string_view{text.bytes()};
  auto at = all.rfind(bare_mark);
  if (at == std::string_view::npos
      || find_bytes(all, words) == std::string_view::npos)
    throw bad_chat{"the model's chat template leaves out what the agent said "
                   "last, so that it can't be continued"};
  auto keeps_blanks = all.substr(at).starts_with(end_mark);
  return text.slice(0, keeps_blanks ? at : rstrip_size(all.substr(0, at)))
      .segments();
}

/// A special token is a string, or an object with "content".
std::string special_text(const json_node& node) {
  return std::string{node.is_object() ? node.get("content").text()
                                      : node.text()};
}

void add_special_tokens(const json_node& config,
                        chat_renderer_options& options) {
  for (auto* name : special_names) {
    auto found = config.find(name);
    auto known = std::any_of(options.special_tokens.begin(),
                             options.special_tokens.end(),
                             [&](auto& each) { return each.first == name; });
    if (found && !known)
      options.special_tokens.emplace_back(name, special_text(*found));
  }
}

/// The template of a config: a string, or a list of named ones.
std::optional<std::string> find_source(const json_node& config) {
  auto node = config.find("chat_template");
  if (!node)
    return std::nullopt;
  if (node->is_text())
    return std::string{node->text()};
  for (auto& each : node->items())
    if (each.get("name").text() == "default")
      return std::string{each.get("template").text()};
  node->fail("has no template named \"default\"");
}

} // namespace

chat_renderer::chat_renderer(std::string_view source,
                             chat_renderer_options options)
    : template_(source), options_(std::move(options)) {
  // nop
}

std::optional<chat_renderer>
chat_renderer::from_folder(const std::filesystem::path& folder,
                           const std::filesystem::path& other) {
  chat_renderer_options options;
  std::optional<std::string> source;
  auto origin =
      (other.empty() ? folder / "chat_template.jinja" : other).string();
  if (std::filesystem::exists(origin))
    source = read_text_file(origin, max_file_bytes);
  for (auto* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    auto path = folder / name;
    if (!std::filesystem::exists(path))
      continue;
    json_document document{read_text_file(path, max_file_bytes), path.string()};
    json_node config{document.root(), path.string()};
    add_special_tokens(config, options);
    if (!source && (source = find_source(config)))
      origin = path.string() + ".chat_template";
  }
  if (!source)
    return std::nullopt;
  try {
    return chat_renderer{*source, std::move(options)};
  } catch (const template_error& e) {
    throw std::runtime_error{origin + ": " + e.what()};
  }
}

std::vector<prompt_segment>
chat_renderer::render(const chat& conversation) const {
  template_dict variables;
  variables.set("tools", template_value::none());
  variables.set("documents", template_value::none());
  add_arguments(conversation.template_arguments, variables);
  for (auto& [name, spelling] : options_.special_tokens)
    variables.set(name, template_value::text(spelling, true));
  variables.set("messages", to_messages(conversation));
  variables.set("add_generation_prompt",
                template_value::boolean(!conversation.continues_agent()));
  try {
    auto prompt = template_.render(variables, options_.limits, options_.clock);
    if (!conversation.continues_agent())
      return prompt;
    return cut_at_mark(std::move(prompt), conversation.messages.back().content);
  } catch (const template_error& e) {
    throw bad_chat{fmt::format("the model's chat template refuses the chat: {}",
                               e.what())};
  }
}

} // namespace model_server
