// Puts tokenizer and chat template together.
#include "models/weights/chat_codec.hpp"

#include "models/text/unicode_pattern.hpp"
#include "models/weights/json_file.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

// `eos_token` is a string, or an object with `content`.
std::optional<token_id> read_end_token(const std::filesystem::path& folder,
                                       const tokenizer& pieces) {
  auto path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path))
    return std::nullopt;
  auto document = read_json_file(path);
  json_fields fields{document, path.string()};
  auto value = fields.find("eos_token");
  if (value == nullptr)
    return std::nullopt;
  auto spelling = value->IsObject()
                      ? fields.object("eos_token")->text("content")
                      : fields.text("eos_token");
  return spelling ? pieces.id_of(*spelling) : std::nullopt;
}

// The tokens that `encode` gives, or words for the client.
template <class Function>
std::vector<token_id> checked(Function encode) {
  std::vector<token_id> result;
  try {
    result = encode();
  } catch (const pattern_gave_up& problem) {
    throw bad_chat(fmt::format(
        "the model's tokenizer cannot cut the prompt into words: {}",
        problem.what()));
  }
  if (result.empty())
    throw bad_chat("the prompt comes to no tokens at all");
  return result;
}

} // namespace

chat_codec::chat_codec(const std::filesystem::path& folder)
    : tokenizer_(tokenizer::from_file(folder / "tokenizer.json")),
      renderer_(chat_renderer::from_folder(folder)),
      end_token_(read_end_token(folder, tokenizer_)) {
}

std::vector<token_id> chat_codec::encode(const chat& conversation) const {
  return checked([&] { return tokens_of(conversation); });
}

std::vector<token_id> chat_codec::encode_text(std::string_view text) const {
  return checked(
      [&] { return tokenizer_.encode(text, false, {.add_special = true}); });
}

std::vector<token_id> chat_codec::tokens_of(const chat& conversation) const {
  if (renderer_)
    return tokenizer_.encode(renderer_->render(conversation));
  std::string text;
  for (auto& message : conversation.messages)
    text += message.content;
  return tokenizer_.encode(text, false, {.add_special = true});
}

std::string chat_codec::decode(token_id token, bool at_start) const {
  return std::string{tokenizer_.piece(token, at_start && renderer_)};
}

std::size_t chat_codec::vocabulary() const {
  return tokenizer_.vocab_size();
}

} // namespace model_server
