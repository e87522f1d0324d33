// Keeps the budget and the variables of a rendering.
#include "models/text/template_renderer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

/// What one value costs where it stands in a list.
constexpr std::size_t item_bytes = 160;

} // namespace

std::vector<const template_value*>
call_arguments::bind(std::string_view callee,
                     std::initializer_list<std::string_view> names) const {
  std::vector<const template_value*> result(names.size());
  if (positional.size() > names.size())
    throw template_error{fmt::format("{} takes at most {} arguments, not {}",
                                     callee, names.size(), positional.size())};
  for (std::size_t i = 0; i < positional.size(); ++i)
    result[i] = &positional[i];
  for (auto& [name, value] : named) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw template_error{
          fmt::format("{} has no argument \"{}\"", callee, name)};
    auto& place = result[static_cast<std::size_t>(found - names.begin())];
    if (place)
      throw template_error{
          fmt::format("{} was given \"{}\" twice", callee, name)};
    place = &value;
  }
  return result;
}

template_renderer::level::level(template_renderer& renderer)
    : renderer_(renderer) {
  if (++renderer_.depth_ > renderer_.limits_.max_depth) {
    --renderer_.depth_;
    throw template_error{fmt::format("the template calls itself too deeply; "
                                     "the limit is {} levels",
                                     renderer_.limits_.max_depth)};
  }
}

template_renderer::template_renderer(const template_tree& tree,
                                     const template_limits& limits,
                                     const template_clock& clock)
    : tree_(tree),
      limits_(limits),
      clock_(clock),
      deadline_(std::chrono::steady_clock::now() + limits.max_time) {
  auto found = std::find(tree.names.begin(), tree.names.end(), "loop");
  if (found != tree.names.end())
    loop_slot_ = static_cast<std::size_t>(found - tree.names.begin());
}

std::vector<prompt_segment>
template_renderer::run(const template_dict& variables) {
  marked_text out;
  out_ = &out;
  for (std::size_t slot = 0; slot < tree_.names.size(); ++slot)
    if (auto* value = variables.find(tree_.names[slot]))
      root_.values.emplace_back(slot, *value);
  try {
    run_body(tree_.body);
  } catch (const template_refusal&) {
    throw;
  } catch (const std::exception& e) {
    throw template_error{fmt::format("line {}: {}", line_, e.what())};
  }
  return out.segments();
}

void template_renderer::spend(std::size_t steps) {
  steps_ += steps;
  if (steps_ > limits_.max_steps)
    throw template_error{
        fmt::format("rendering takes over {} steps", limits_.max_steps)};
  if (steps_ < next_look_)
    return;
  next_look_ = steps_ + 256;
  if (std::chrono::steady_clock::now() > deadline_)
    throw template_error{
        fmt::format("rendering takes over {} ms", limits_.max_time.count())};
}

void template_renderer::charge(std::size_t bytes) {
  if (bytes > limits_.max_made_bytes
      || made_bytes_ > limits_.max_made_bytes - bytes)
    throw template_error{fmt::format("rendering makes over {} bytes of values",
                                     limits_.max_made_bytes)};
  made_bytes_ += bytes;
  spend(bytes / 256);
}

template_value template_renderer::make_text(marked_text text, bool markup) {
  if (text.size() > limits_.max_output_bytes)
    throw template_error{fmt::format("a string has {} bytes; the limit is {}",
                                     text.size(), limits_.max_output_bytes)};
  charge(text.size() + item_bytes);
  return markup ? template_value::markup(std::move(text))
                : template_value::text(std::move(text));
}

template_value template_renderer::make_list(std::vector<template_value> items,
                                            sequence_kind kind) {
  charge((items.size() + 1) * item_bytes);
  return template_value::list(std::move(items), kind);
}

template_value template_renderer::make_texts(std::vector<marked_text> texts) {
  std::vector<template_value> items;
  items.reserve(texts.size());
  for (auto& text : texts)
    items.push_back(make_text(std::move(text)));
  return make_list(std::move(items));
}

template_value
template_renderer::make_iterator(std::vector<template_value> items) {
  charge(items.size() * item_bytes);
  auto* made = own<iterator_object>();
  made->items = std::move(items);
  return template_value::object(made);
}

const template_value* template_renderer::find_variable(std::size_t slot) const {
  for (auto* here = scope_; here; here = here->parent)
    for (auto& [name, value] : here->values)
      if (name == slot)
        return &value;
  return nullptr;
}

template_value template_renderer::variable(std::size_t slot) {
  if (auto* found = find_variable(slot))
    return *found;
  auto& name = tree_.names[slot];
  for (auto* each : {"range", "dict", "namespace", "raise_exception",
                     "strftime_now", "lipsum", "cycler", "joiner", "self"})
    if (name == each) {
      auto* function = own<function_object>();
      function->name = name;
      return template_value::object(function);
    }
  return template_value::undefined(fmt::format("'{}' is undefined", name));
}

void template_renderer::set_variable(std::size_t slot, template_value value) {
  for (auto& [name, old] : scope_->values)
    if (name == slot) {
      old = std::move(value);
      return;
    }
  scope_->values.emplace_back(slot, std::move(value));
}

void template_renderer::assign(const assign_target& target,
                               const template_value& value) {
  if (!target.parts.empty()) {
    auto items = iterate(value);
    if (items.size() != target.parts.size())
      throw template_error{
          fmt::format("{} values can't be put into {} variables", items.size(),
                      target.parts.size())};
    for (std::size_t i = 0; i < items.size(); ++i)
      assign(target.parts[i], items[i]);
  } else if (target.attribute.empty()) {
    set_variable(target.slot, value);
  } else {
    auto* space =
        dynamic_cast<namespace_object*>(variable(target.slot).as_object());
    if (!space)
      throw template_error{
          fmt::format("\"{}\" is no namespace", tree_.names[target.slot])};
    charge(item_bytes);
    space->attributes[target.attribute] = value;
  }
}

} // namespace model_server
