// Reads the parts of a tokenizer.json, each by its "type".
#include "models/text/tokenizer_parts.hpp"

#include "models/text/unicode_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

[[noreturn]] void refuse_type(const json_node& node, std::string_view type) {
  node.fail(fmt::format("type \"{}\" is not supported", type));
}

/// Runs `read`, putting the node's path before what goes wrong in it.
template <class Read>
auto at_node(const json_node& node, Read&& read) {
  try {
    return read();
  } catch (const std::runtime_error& e) {
    node.fail(e.what());
  }
}

split_behaviour read_behaviour(const json_node& node) {
  using enum split_behaviour;
  constexpr std::array<std::pair<std::string_view, split_behaviour>, 5> names{{
      {"Removed", removed},
      {"Isolated", isolated},
      {"MergedWithPrevious", merged_with_previous},
      {"MergedWithNext", merged_with_next},
      {"Contiguous", contiguous},
  }};
  for (auto [name, behaviour] : names)
    if (node.text() == name)
      return behaviour;
  node.fail(fmt::format("\"{:.80}\" is no behaviour", node.text()));
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

void read_template(const json_node& node, tokenizer_parts& result) {
  std::vector<token_id> before, after;
  bool seen_text = false;
  for (auto& step : node.get("single").items()) {
    if (step.find("Sequence")) {
      if (std::exchange(seen_text, true))
        step.fail("the text comes twice");
      continue;
    }
    auto name = step.get("SpecialToken").get("id");
    auto token =
        node.get("special_tokens").get(std::string{name.text()}.c_str());
    for (auto& id : token.get("ids").items()) {
      if (id.integer() < 0 || id.integer() > max_token_id)
        id.fail(fmt::format("{} is no token", id.integer()));
      (seen_text ? after : before)
          .push_back(static_cast<token_id>(id.integer()));
    }
  }
  if (!seen_text)
    node.fail("the text has no place in \"single\"");
  result.prefix.insert(result.prefix.begin(), before.begin(), before.end());
  result.suffix.insert(result.suffix.end(), after.begin(), after.end());
}

} // namespace

unicode_pattern read_pattern(const json_node& node) {
  if (auto text = node.find("String"))
    return unicode_pattern::literal(text->text());
  auto source = node.get("Regex");
  return at_node(source, [&] { return unicode_pattern{source.text()}; });
}

void read_normalizer(const json_node& node, normalizer& result) {
  auto type = node.get("type").text();
  if (type == "Sequence") {
    for (auto& each : node.get("normalizers").items())
      read_normalizer(each, result);
  } else if (type == "Prepend") {
    result.add_prepend(std::string{node.get("prepend").text()});
  } else if (type == "Replace") {
    result.add_replace(read_pattern(node.get("pattern")),
                       std::string{node.get("content").text()});
  } else if (type == "Lowercase") {
    result.add_lowercase();
  } else if (type == "Strip") {
    result.add_strip(node.flag("strip_left", true),
                     node.flag("strip_right", true));
  } else if (type == "NFC") {
    result.add_unicode_form(unicode_form::nfc);
  } else if (type == "NFD") {
    result.add_unicode_form(unicode_form::nfd);
  } else if (type == "NFKC") {
    result.add_unicode_form(unicode_form::nfkc);
  } else if (type == "NFKD") {
    result.add_unicode_form(unicode_form::nfkd);
  } else {
    refuse_type(node, type);
  }
}

void read_pre_tokenizer(const json_node& node, pre_tokenizer& result) {
  auto type = node.get("type").text();
  if (type == "Sequence") {
    for (auto& each : node.get("pretokenizers").items())
      read_pre_tokenizer(each, result);
  } else if (type == "Split") {
    result.add_split(read_pattern(node.get("pattern")),
                     read_behaviour(node.get("behavior")),
                     node.flag("invert", false));
  } else if (type == "ByteLevel") {
    result.add_byte_level(node.flag("add_prefix_space", true),
                          node.flag("use_regex", true));
  } else if (type == "Digits") {
    result.add_digits(node.flag("individual_digits", false));
  } else if (type == "Punctuation") {
    auto behaviour = node.find("behavior");
    result.add_punctuation(behaviour ? read_behaviour(*behaviour)
                                     : split_behaviour::isolated);
  } else if (type == "Metaspace") {
    result.add_metaspace(read_metaspace_letter(node), read_prefix_rule(node),
                         node.flag("split", true));
  } else {
    refuse_type(node, type);
  }
}

void read_decoder(const json_node& node, token_decoder& result) {
  auto type = node.get("type").text();
  auto add = [&](auto&& step) { at_node(node, step); };
  if (type == "Sequence") {
    for (auto& each : node.get("decoders").items())
      read_decoder(each, result);
  } else if (type == "ByteLevel") {
    add([&] { result.add_byte_level(); });
  } else if (type == "Replace") {
    auto pattern = read_pattern(node.get("pattern"));
    std::string content{node.get("content").text()};
    add([&] { result.add_replace(pattern, content); });
  } else if (type == "ByteFallback") {
    add([&] { result.add_byte_fallback(); });
  } else if (type == "Fuse") {
    result.add_fuse();
  } else if (type == "Strip") {
    std::string content{node.get("content").text()};
    auto start = node.number("start", 0), stop = node.number("stop", 0);
    add([&] { result.add_strip(content, start, stop); });
  } else if (type == "Metaspace") {
    auto letter = read_metaspace_letter(node);
    auto strips = read_prefix_rule(node) != prefix_rule::never;
    add([&] { result.add_metaspace(letter, strips); });
  } else {
    refuse_type(node, type);
  }
}

void read_post_processor(const json_node& node, tokenizer_parts& result) {
  auto type = node.get("type").text();
  if (type == "Sequence") {
    for (auto& each : node.get("processors").items())
      read_post_processor(each, result);
  } else if (type == "TemplateProcessing") {
    read_template(node, result);
  } else if (type != "ByteLevel") { // that one only moves offsets
    refuse_type(node, type);
  }
}

} // namespace model_server
