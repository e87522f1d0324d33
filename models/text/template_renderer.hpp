// Walks a template's tree with values at hand, within a budget.
#pragma once

#include "models/text/chat_template.hpp"
#include "models/text/template_objects.hpp"
#include "models/text/template_tree.hpp"

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// What a call was given.
struct call_arguments {
  std::vector<template_value> positional;
  std::vector<std::pair<std::string, template_value>> named;

  /// The arguments in the order of `names`, null where one is missing. Throws
  /// `template_error` for too many and for unknown names.
  std::vector<const template_value*>
  bind(std::string_view callee,
       std::initializer_list<std::string_view> names) const;
};

/// One rendering. Everything it computes costs steps and bytes; when a budget
/// is used up it throws `template_error`.
class template_renderer {
public:
  template_renderer(const template_tree& tree, const template_limits& limits,
                    const template_clock& clock);

  std::vector<prompt_segment> run(const template_dict& variables);

  // Budget.
  /// Counts work; looks at the clock now and then.
  void spend(std::size_t steps);
  /// Counts bytes that are about to be made.
  void charge(std::size_t bytes);

  // Making values that cost.
  template_value make_text(marked_text text, bool markup = false);
  template_value make_list(std::vector<template_value> items,
                           sequence_kind kind = sequence_kind::list);
  template_value make_texts(std::vector<marked_text> texts);
  template_value make_iterator(std::vector<template_value> items);
  /// Makes an object that lives as long as the rendering.
  template <class Object>
  Object* own() {
    charge(256);
    auto made = std::make_unique<Object>();
    auto* result = made.get();
    objects_.push_back(std::move(made));
    return result;
  }

  // Looking into values, in template_lookup.cpp.
  template_value attribute(const template_value& object,
                           const std::string& name);
  template_value item(const template_value& object, const template_value& key);
  /// The values that one gets by going through `value`.
  std::vector<template_value> iterate(const template_value& value);
  std::size_t length(const template_value& value);
  template_value call(const template_value& callee,
                      const call_arguments& arguments);

  // In template_methods.cpp.
  /// True if values like `object` have a method of that name.
  static bool has_method(const template_value& object, std::string_view name);
  template_value call_method(const template_value& object,
                             const std::string& name,
                             const call_arguments& arguments);

  // In template_filters.cpp and template_tests.cpp.
  template_value apply_filter(const std::string& name,
                              const template_value& input,
                              const call_arguments& arguments);
  bool apply_test(const std::string& name, const template_value& input,
                  const call_arguments& arguments);

  const template_limits& limits() const {
    return limits_;
  }

private:
  enum class flow { normal, break_loop, continue_loop };

  using scope = template_scope;

  /// While one lives the rendering is a level deeper.
  struct level {
    explicit level(template_renderer& renderer);
    ~level() {
      --renderer_.depth_;
    }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

  private:
    template_renderer& renderer_;
  };

  // Statements.
  flow run_body(const std::vector<template_statement>& body);
  flow run_statement(const template_statement& statement);
  flow run_branch(const template_statement& statement);
  flow run_loop(const template_statement& statement);
  void run_macro_definition(const template_statement& statement);
  void run_call_block(const template_statement& statement);
  flow run_with(const template_statement& statement);
  /// What `body` writes, in a scope of its own.
  marked_text capture(const std::vector<template_statement>& body);
  template_value through_filter(const template_expression* filter,
                                marked_text text);
  void write(const marked_text& text);
  template_value call_macro(const macro_object& macro,
                            const call_arguments& arguments);
  template_value call_function(const std::string& name,
                               const call_arguments& arguments);

  // Variables.
  const template_value* find_variable(std::size_t slot) const;
  template_value variable(std::size_t slot);
  void set_variable(std::size_t slot, template_value value);
  void assign(const assign_target& target, const template_value& value);

  // Expressions, in template_evaluation.cpp.
  template_value evaluate(const template_expression& node);
  template_value evaluate_operator(const template_expression& node);
  template_value evaluate_dict(const template_expression& node);
  template_value evaluate_slice(const template_expression& node);
  template_value evaluate_compare(const template_expression& node);
  template_value evaluate_call(const template_expression& node);
  template_value evaluate_filter(const template_expression& node,
                                 const template_value* input);
  bool evaluate_test(const template_expression& node);
  /// Operands or arguments from the `first` on.
  std::vector<template_value> evaluate_parts(const template_expression& node,
                                             std::size_t first);
  call_arguments evaluate_arguments(const template_expression& node);

  const template_tree& tree_;
  const template_limits& limits_;
  const template_clock& clock_;
  std::chrono::steady_clock::time_point deadline_;
  std::size_t steps_ = 0;
  std::size_t next_look_ = 0;
  std::size_t made_bytes_ = 0;
  std::size_t depth_ = 0;
  std::size_t loop_depth_ = 0;
  /// Where the rendering is, for errors.
  std::size_t line_ = 1;
  std::optional<std::size_t> loop_slot_;
  scope root_;
  scope* scope_ = &root_;
  marked_text* out_ = nullptr;
  std::vector<std::unique_ptr<template_object>> objects_;
};

} // namespace model_server
