// The methods of strings, by name.
#pragma once

#include "models/text/template_renderer.hpp"

#include <string_view>
#include <unordered_map>

namespace model_server {

/// A method of a string; `text` is the string.
using text_method = template_value (*)(template_renderer&,
                                       const marked_text& text,
                                       const call_arguments&);

using text_method_table = std::unordered_map<std::string_view, text_method>;

/// Every method of Python's strings; null for those that aren't supported.
const text_method_table& text_methods();

} // namespace model_server
