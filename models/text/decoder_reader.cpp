// Reads the "decoder" of a tokenizer.json.
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <string>

namespace model_server {

namespace {

std::string_view read_text(const json_node& node, const char* key,
                           std::string_view otherwise) {
  auto found = node.find(key);
  return found ? found->text() : otherwise;
}

} // namespace

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
  } else if (type == "WordPiece") {
    std::string prefix{read_text(node, "prefix", "##")};
    auto cleanup = node.flag("cleanup", true);
    add([&] { result.add_word_piece(prefix, cleanup); });
  } else if (type == "BPEDecoder") {
    std::string suffix{read_text(node, "suffix", "</w>")};
    add([&] { result.add_suffix(suffix); });
  } else if (type == "CTC") {
    std::string pad{read_text(node, "pad_token", "<pad>")};
    std::string space{read_text(node, "word_delimiter_token", "|")};
    auto cleanup = node.flag("cleanup", true);
    add([&] { result.add_ctc(pad, space, cleanup); });
  } else {
    refuse_type(node, type);
  }
}

} // namespace model_server
