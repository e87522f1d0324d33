// Reads the tokenizer and the chat templates of a GGUF file.
#include "models/weights/gguf_tokenizer.hpp"

#include "models/weights/gguf_tokenizer_writer.hpp"
#include "models/weights/gguf_vocabulary.hpp"

#include <fmt/format.h>

#include <array>

namespace model_server {

std::string gguf_tokenizer_json(const gguf_metadata& metadata) {
  constexpr std::string_view key = "tokenizer.ggml.model";
  constexpr std::array<
      std::pair<std::string_view, void (*)(gguf_tokenizer_writer&)>, 4>
      kinds{{{"llama", write_sentence_piece},
             {"gpt2", write_byte_pairs},
             {"bert", write_word_piece},
             {"t5", write_unigram}}};
  auto name = metadata.require_text(key);
  for (auto& kind : kinds)
    if (kind.first == name) {
      gguf_tokenizer_writer to{metadata};
      to.out.object([&] {
        to.out.text("version", "1.0");
        kind.second(to);
      });
      return to.out.result();
    }
  metadata.refuse(key, "only llama, gpt2, bert and t5 are built in");
}

tokenizer read_gguf_tokenizer(const gguf_metadata& metadata) {
  return tokenizer::from_json(gguf_tokenizer_json(metadata), metadata.where());
}

std::optional<std::string_view>
gguf_chat_template(const gguf_metadata& metadata, std::string_view name) {
  std::string key = "tokenizer.chat_template";
  if (!name.empty())
    key += fmt::format(".{}", name);
  return metadata.text(key);
}

std::vector<std::pair<std::string, std::string>>
gguf_special_tokens(const gguf_metadata& metadata) {
  constexpr std::array<std::pair<const char*, const char*>, 7> names{
      {{"bos_token", "bos"},
       {"eos_token", "eos"},
       {"unk_token", "unknown"},
       {"sep_token", "seperator"}, // so it is spelled there
       {"pad_token", "padding"},
       {"cls_token", "cls"},
       {"mask_token", "mask"}}};
  auto tokens = read_gguf_tokens(metadata);
  std::vector<std::pair<std::string, std::string>> result;
  for (auto [name, part] : names)
    if (auto id = gguf_token_id(metadata,
                                fmt::format("tokenizer.ggml.{}_token_id", part),
                                tokens.size()))
      result.emplace_back(name, tokens[static_cast<std::size_t>(*id)].text);
  return result;
}

} // namespace model_server
