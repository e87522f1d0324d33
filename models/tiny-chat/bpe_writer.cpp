// Writes the vocabulary as tokenizer.json.
#include "models/tiny-chat/bpe.hpp"

#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>

#include <fstream>
#include <stdexcept>

namespace model_server::tiny_chat {

namespace {

/// Returns a piece as byte-level tokenizers spell it: printable bytes stand
/// for themselves, the others for characters from U+0100 on, in their order.
std::string spelled(const std::string& piece) {
  std::string text;
  for (auto c : piece) {
    auto byte = static_cast<unsigned char>(c);
    auto is_printable = [](int b) {
      return (b >= 33 && b <= 126) || (b >= 161 && b != 173);
    };
    auto code = static_cast<unsigned>(byte);
    if (!is_printable(byte)) {
      code = 256;
      for (int before = 0; before < byte; ++before)
        code += is_printable(before) ? 0 : 1;
    }
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return text;
}

template <class Writer>
void write_byte_level(Writer& json) {
  json.StartObject();
  json.Key("type");
  json.String("ByteLevel");
  json.Key("add_prefix_space");
  json.Bool(false);
  json.Key("trim_offsets");
  json.Bool(true);
  json.Key("use_regex");
  json.Bool(true);
  json.EndObject();
}

template <class Writer>
void write_added_tokens(Writer& json) {
  json.StartArray();
  for (unsigned id = 0; id < std::size(added_tokens); ++id) {
    json.StartObject();
    json.Key("id");
    json.Uint(id);
    json.Key("content");
    json.String(added_tokens[id]);
    for (const auto* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      json.Key(flag);
      json.Bool(false);
    }
    json.Key("special");
    json.Bool(true);
    json.EndObject();
  }
  json.EndArray();
}

} // namespace

void bpe::write(const std::filesystem::path& file) const {
  std::ofstream out{file, std::ios::binary};
  rapidjson::OStreamWrapper stream{out};
  rapidjson::PrettyWriter json{stream};
  json.SetIndent(' ', 1);
  json.StartObject();
  json.Key("version");
  json.String("1.0");
  for (const auto* unused : {"truncation", "padding"}) {
    json.Key(unused);
    json.Null();
  }
  json.Key("added_tokens");
  write_added_tokens(json);
  json.Key("normalizer");
  json.Null();
  for (const auto* part : {"pre_tokenizer", "post_processor", "decoder"}) {
    json.Key(part);
    write_byte_level(json);
  }
  json.Key("model");
  json.StartObject();
  json.Key("type");
  json.String("BPE");
  for (const auto* unused :
       {"dropout", "unk_token", "continuing_subword_prefix",
        "end_of_word_suffix"}) {
    json.Key(unused);
    json.Null();
  }
  for (const auto* flag : {"fuse_unk", "byte_fallback", "ignore_merges"}) {
    json.Key(flag);
    json.Bool(false);
  }
  json.Key("vocab");
  json.StartObject();
  for (std::size_t id = 0; id < pieces_.size(); ++id) {
    json.Key(id < std::size(added_tokens) ? pieces_[id].c_str()
                                          : spelled(pieces_[id]).c_str());
    json.Uint64(id);
  }
  json.EndObject();
  json.Key("merges");
  json.StartArray();
  for (auto [left, right] : merges_) {
    json.String(
        (spelled(pieces_[left]) + " " + spelled(pieces_[right])).c_str());
  }
  json.EndArray();
  json.EndObject();
  json.EndObject();
  out << '\n';
  if (!out)
    throw std::runtime_error{file.string() + ": cannot be written"};
}

} // namespace model_server::tiny_chat
