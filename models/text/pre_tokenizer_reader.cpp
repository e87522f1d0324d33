// Reads the "pre_tokenizer" of a tokenizer.json.
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace model_server {

namespace {

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

} // namespace

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
  } else if (type == "BertPreTokenizer") {
    result.add_bert();
  } else if (type == "Whitespace") {
    result.add_words();
  } else if (type == "WhitespaceSplit") {
    result.add_white_space();
  } else if (type == "CharDelimiterSplit" || type == "Delimiter") {
    result.add_split(unicode_pattern::literal(node.get("delimiter").text()),
                     split_behaviour::removed, false);
  } else if (type == "UnicodeScripts") {
    result.add_scripts();
  } else if (type == "FixedLength") {
    auto length = node.number("length", 5);
    if (length < 1)
      node.fail(fmt::format("length is {}, and less than 1", length));
    result.add_length(static_cast<std::size_t>(length));
  } else {
    refuse_type(node, type);
  }
}

} // namespace model_server
