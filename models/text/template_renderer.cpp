// Runs statements; keeps scopes and budgets.
#include "models/text/template_renderer.hpp"

#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

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

template_renderer::flow
template_renderer::run_body(const std::vector<template_statement>& body) {
  level here{*this};
  for (auto& statement : body) {
    line_ = statement.line;
    spend(1);
    auto result = run_statement(statement);
    if (result != flow::normal)
      return result;
  }
  return flow::normal;
}

template_renderer::flow
template_renderer::run_statement(const template_statement& statement) {
  auto& expressions = statement.expressions;
  switch (statement.kind) {
  case statement_kind::text:
    write({statement.text, true});
    break;
  case statement_kind::output:
    for (auto& expression : expressions)
      write(to_text(*this, evaluate(*expression)));
    break;
  case statement_kind::branch:
    return run_branch(statement);
  case statement_kind::loop:
    return run_loop(statement);
  case statement_kind::assign:
    assign(statement.target, evaluate(*expressions[0]));
    break;
  case statement_kind::assign_block:
    assign(statement.target,
           through_filter(expressions[0].get(), capture(statement.body)));
    break;
  case statement_kind::macro:
    run_macro_definition(statement);
    break;
  case statement_kind::filter_block:
    write(to_text(
        *this, through_filter(expressions[0].get(), capture(statement.body))));
    break;
  case statement_kind::scope:
    write(capture(statement.body));
    break;
  case statement_kind::with:
    return run_with(statement);
  case statement_kind::break_loop:
    return flow::break_loop;
  case statement_kind::continue_loop:
    return flow::continue_loop;
  }
  return flow::normal;
}

template_renderer::flow
template_renderer::run_branch(const template_statement& statement) {
  for (auto& branch : statement.branches)
    if (!branch.condition || is_true(evaluate(*branch.condition)))
      return run_body(branch.body);
  return flow::normal;
}

template_renderer::flow
template_renderer::run_loop(const template_statement& statement) {
  auto items = iterate(evaluate(*statement.expressions[0]));
  auto* outer = scope_;
  scope inner{outer, {}};
  scope_ = &inner;
  if (auto* condition = statement.expressions[1].get()) {
    std::vector<template_value> chosen;
    for (auto& item : items) {
      inner.values.clear();
      assign(statement.target, item);
      if (is_true(evaluate(*condition)))
        chosen.push_back(std::move(item));
    }
    items = std::move(chosen);
  }
  auto* loop = own<loop_object>();
  loop->items = &items;
  loop->depth = ++loop_depth_;
  auto result = flow::normal;
  for (std::size_t i = 0; i < items.size(); ++i) {
    spend(1);
    inner.values.clear();
    loop->index = i;
    if (loop_slot_)
      set_variable(*loop_slot_, template_value::object(loop));
    assign(statement.target, items[i]);
    result = run_body(statement.body);
    if (result == flow::break_loop)
      break;
  }
  --loop_depth_;
  // Whoever kept `loop` beyond its end finds it empty.
  static const std::vector<template_value> nothing;
  loop->items = &nothing;
  inner.values.clear();
  result = flow::normal;
  if (items.empty())
    result = run_body(statement.else_body);
  scope_ = outer;
  return result;
}

void template_renderer::run_macro_definition(
    const template_statement& statement) {
  if (scope_ != &root_)
    throw template_error{fmt::format(
        "the macro \"{}\" within a loop or a macro is not supported",
        statement.text)};
  auto* macro = own<macro_object>();
  macro->definition = &statement;
  set_variable(statement.target.slot, template_value::object(macro));
}

template_renderer::flow
template_renderer::run_with(const template_statement& statement) {
  std::vector<template_value> values;
  for (auto& expression : statement.expressions)
    values.push_back(evaluate(*expression));
  scope inner{scope_, {}};
  scope_ = &inner;
  for (std::size_t i = 0; i < values.size(); ++i)
    assign(statement.target.parts[i], values[i]);
  auto result = run_body(statement.body);
  scope_ = inner.parent;
  return result;
}

marked_text
template_renderer::capture(const std::vector<template_statement>& body) {
  marked_text result;
  auto* out = std::exchange(out_, &result);
  scope inner{scope_, {}};
  scope_ = &inner;
  if (run_body(body) != flow::normal)
    throw template_error{"leaving a loop from within a block whose text is "
                         "kept is not supported"};
  scope_ = inner.parent;
  out_ = out;
  return result;
}

template_value
template_renderer::through_filter(const template_expression* filter,
                                  marked_text text) {
  auto value = make_text(std::move(text));
  return filter ? evaluate_filter(*filter, &value) : value;
}

void template_renderer::write(const marked_text& text) {
  if (text.size() > limits_.max_output_bytes - out_->size())
    throw template_error{
        fmt::format("the text grows over {} bytes", limits_.max_output_bytes)};
  charge(text.size());
  out_->append(text);
}

template_value template_renderer::call_macro(const macro_object& macro,
                                             const call_arguments& arguments) {
  auto& definition = *macro.definition;
  auto& parameters = definition.parameters;
  if (arguments.positional.size() > parameters.size())
    throw template_error{fmt::format(
        "the macro \"{}\" takes at most {} arguments, not {}", definition.text,
        parameters.size(), arguments.positional.size())};
  scope inner{&root_, {}};
  for (auto& [name, value] : arguments.named) {
    auto found = std::find_if(parameters.begin(), parameters.end(),
                              [&](auto& each) { return each.name == name; });
    if (found == parameters.end()
        || found - parameters.begin()
               < static_cast<std::ptrdiff_t>(arguments.positional.size()))
      throw template_error{
          fmt::format("the macro \"{}\" can't take the argument \"{}\"",
                      definition.text, name)};
    inner.values.emplace_back(found->slot, value);
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    inner.values.emplace_back(parameters[i].slot, arguments.positional[i]);
  auto* caller = std::exchange(scope_, &inner);
  auto line = line_;
  marked_text result;
  auto* out = std::exchange(out_, &result);
  for (auto i = arguments.positional.size(); i < parameters.size(); ++i) {
    auto& parameter = parameters[i];
    auto is_given =
        std::any_of(inner.values.begin(), inner.values.end(),
                    [&](auto& each) { return each.first == parameter.slot; });
    if (!is_given)
      set_variable(parameter.slot,
                   parameter.otherwise
                       ? evaluate(*parameter.otherwise)
                       : template_value::undefined(fmt::format(
                           "parameter '{}' was not provided", parameter.name)));
  }
  run_body(definition.body);
  scope_ = caller;
  out_ = out;
  line_ = line;
  return make_text(std::move(result));
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
