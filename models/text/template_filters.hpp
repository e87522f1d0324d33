// The filters of templates, by name.
#pragma once

#include "models/text/template_renderer.hpp"

#include <string_view>
#include <unordered_map>

namespace model_server {

/// A filter: what stands before the bar, and its arguments.
using template_filter = template_value (*)(template_renderer&,
                                           const template_value& input,
                                           const call_arguments&);

using filter_table = std::unordered_map<std::string_view, template_filter>;

/// Filters on single values: text, numbers, anything.
const filter_table& value_filters();

/// Filters on numbers and on text that spells them.
const filter_table& number_filters();

/// Filters on things to go through.
const filter_table& list_filters();

/// Those of them that compare.
const filter_table& order_filters();

/// What a path such as `function.name` or `0` leads to; `otherwise` stands for
/// what isn't there if it is neither null nor None.
template_value follow(template_renderer& renderer, template_value from,
                      const template_value& path,
                      const template_value* otherwise = nullptr);

} // namespace model_server
