// Reads the "normalizer" of a tokenizer.json.
#include "models/text/base64.hpp"
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <string>

namespace model_server {

namespace {

bert_cleaning read_bert_cleaning(const json_node& node) {
  bert_cleaning result;
  result.clean_text = node.flag("clean_text", true);
  result.chinese_apart = node.flag("handle_chinese_chars", true);
  result.lowercase = node.flag("lowercase", true);
  result.strip_accents = node.flag("strip_accents", result.lowercase);
  return result;
}

void read_charsmap(const json_node& node, normalizer& result) {
  auto map = node.find("precompiled_charsmap");
  if (map && !map->text().empty())
    at_node(*map, [&] {
      result.add_charsmap(charsmap{read_base64(map->text())}, false);
    });
}

} // namespace

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
  } else if (type == "BertNormalizer") {
    result.add_bert(read_bert_cleaning(node));
  } else if (type == "Precompiled") {
    read_charsmap(node, result);
  } else if (type == "StripAccents") {
    result.add_change(append_unless_mark);
  } else if (type == "Nmt") {
    result.add_change(append_nmt);
  } else if (type == "ByteLevel") {
    result.add_change(append_byte_letters);
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

} // namespace model_server
