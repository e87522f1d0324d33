// What Python's operators do with values.
#pragma once

#include "models/text/template_renderer.hpp"
#include "models/text/template_tree.hpp"
#include "models/text/template_value.hpp"

#include <string_view>

namespace model_server {

/// Python's name of a value's type.
std::string_view type_name(const template_value& value);

/// Throws the error of using what is undefined, or of a wrong type.
[[noreturn]] void fail_type(const template_value& value,
                            std::string_view wanted);

/// True for what Python calls a list or a tuple; `list` may be null.
bool is_plain_list(const template_list* list);

bool is_true(const template_value& value);

/// The number, a boolean counting as 0 or 1; nothing for other kinds.
std::optional<std::int64_t> to_integer(const template_value& value);
std::optional<double> to_number(const template_value& value);

bool equals(template_renderer& renderer, const template_value& a,
            const template_value& b);
/// Below 0, 0 or above 0; throws `template_error` if they have no order.
int order(template_renderer& renderer, const template_value& a,
          const template_value& b);
bool contains(template_renderer& renderer, const template_value& container,
              const template_value& item);

/// One of the binary operators from `add` to `power`.
template_value compute(template_renderer& renderer, expression_kind what,
                       const template_value& a, const template_value& b);
template_value negate(const template_value& value);

/// Text with `&<>"'` escaped for HTML.
marked_text escape_html(const marked_text& text);

} // namespace model_server
