// Values as text: Python's str and repr, and JSON.
#pragma once

#include "models/text/marked_text.hpp"
#include "models/text/template_renderer.hpp"
#include "models/text/template_value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// As Python's `str`. Throws `template_error` for what has no text of its own.
marked_text to_text(template_renderer& renderer, const template_value& value);

/// As Python's `repr`.
marked_text to_repr(template_renderer& renderer, const template_value& value);

/// How JSON is written.
struct json_style {
  bool ascii_only = false;
  bool sort_keys = false;
  /// What a level is indented with; without it all is on one line.
  std::optional<std::string> indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

/// As Python's `json.dumps`.
marked_text to_json(template_renderer& renderer, const template_value& value,
                    const json_style& style);

/// As Python's `format % arguments`.
marked_text format_percent(template_renderer& renderer,
                           const marked_text& format,
                           const std::vector<template_value>& positional,
                           const template_dict* named);

/// As Python's `format.format(...)`; of the format specifications only `d` and
/// `s` by themselves.
marked_text format_braces(template_renderer& renderer,
                          const marked_text& format,
                          const call_arguments& arguments);

} // namespace model_server
