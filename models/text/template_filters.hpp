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

/// Filters on things to go through.
const filter_table& list_filters();

} // namespace model_server
