// Reads the "post_processor" of a tokenizer.json.
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace model_server {

namespace {

/// The id of a token that is there.
token_id read_id(const json_node& node, const tokenizer_parts& parts) {
  auto id = node.integer();
  if (id < 0 || id > max_token_id
      || (!parts.added.table().has(static_cast<token_id>(id))
          && !vocabulary_of(parts.model).has(static_cast<token_id>(id))))
    node.fail(fmt::format("{} is no token", id));
  return static_cast<token_id>(id);
}

/// The id of a `["[CLS]", 101]`.
token_id read_pair(const json_node& node, const tokenizer_parts& parts) {
  auto pair = node.items();
  if (pair.size() != 2)
    node.fail("is not a token and its id");
  return read_id(pair[1], parts);
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
      (seen_text ? after : before).push_back(read_id(id, result));
    }
  }
  if (!seen_text)
    node.fail("the text has no place in \"single\"");
  result.prefix.insert(result.prefix.begin(), before.begin(), before.end());
  result.suffix.insert(result.suffix.end(), after.begin(), after.end());
}

} // namespace

void read_post_processor(const json_node& node, tokenizer_parts& result) {
  auto type = node.get("type").text();
  if (type == "Sequence") {
    for (auto& each : node.get("processors").items())
      read_post_processor(each, result);
  } else if (type == "TemplateProcessing") {
    read_template(node, result);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    // The second also moves offsets.
    result.prefix.insert(result.prefix.begin(),
                         read_pair(node.get("cls"), result));
    result.suffix.push_back(read_pair(node.get("sep"), result));
  } else if (type != "ByteLevel") { // that one only moves offsets
    refuse_type(node, type);
  }
}

} // namespace model_server
