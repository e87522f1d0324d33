// Reads what several parts of a tokenizer.json have in common.
#include "models/text/part_readers.hpp"

#include <fmt/format.h>

namespace model_server {

void refuse_type(const json_node& node, std::string_view type) {
  node.fail(fmt::format("type \"{:.80}\" is not supported", type));
}

unicode_pattern read_pattern(const json_node& node) {
  if (auto text = node.find("String"))
    return unicode_pattern::literal(text->text());
  auto source = node.get("Regex");
  return at_node(source, [&] { return unicode_pattern{source.text()}; });
}

std::string read_metaspace_letter(const json_node& node) {
  auto letter = node.find("replacement");
  return std::string{letter ? letter->text() : "\u2581"};
}

prefix_rule read_prefix_rule(const json_node& node) {
  if (auto scheme = node.find("prepend_scheme")) {
    auto name = scheme->text();
    if (name == "never")
      return prefix_rule::never;
    if (name == "first")
      return prefix_rule::first;
    if (name == "always")
      return prefix_rule::always;
    scheme->fail(fmt::format("\"{:.80}\" is no scheme", name));
  }
  return node.flag("add_prefix_space", true) ? prefix_rule::always
                                             : prefix_rule::never;
}

} // namespace model_server
