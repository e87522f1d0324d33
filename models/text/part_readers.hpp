// What the readers of a tokenizer's parts share.
#pragma once

#include "models/text/json_node.hpp"
#include "models/text/pre_tokenizer.hpp"
#include "models/text/unicode_pattern.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace model_server {

/// Says that a part is of a kind that this build doesn't know.
[[noreturn]] void refuse_type(const json_node& node, std::string_view type);

/// Runs `read`, putting the node's path before what goes wrong in it.
template <class Read>
auto at_node(const json_node& node, Read&& read) {
  try {
    return read();
  } catch (const std::runtime_error& e) {
    node.fail(e.what());
  }
}

/// A `{"String": ...}` or `{"Regex": ...}` pattern, as several parts have it.
unicode_pattern read_pattern(const json_node& node);

/// The letter of a Metaspace, and when it stands before a text.
std::string read_metaspace_letter(const json_node& node);
prefix_rule read_prefix_rule(const json_node& node);

} // namespace model_server
