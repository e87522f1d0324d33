// Puts tokenizer and chat template together.
#include "models/weights/chat_codec.hpp"

#include "models/text/json_document.hpp"
#include "models/text/token_table.hpp"
#include "models/text/unicode_pattern.hpp"
#include "models/weights/gguf_tokenizer.hpp"
#include "models/weights/json_file.hpp"
#include "models/weights/weight_folder.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t max_template_bytes = std::size_t{16} << 20;

// `eos_token` is a string, or an object with `content`.
std::optional<token_id> read_end_token(const std::filesystem::path& folder,
                                       const tokenizer& pieces) {
  auto path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path))
    return std::nullopt;
  auto document = read_json_file(path);
  config_fields fields{document, path.string()};
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

chat_codec::chat_codec(const std::filesystem::path& path,
                       const std::filesystem::path& chat_template)
    : chat_codec(of_path(path, chat_template)) {
}

chat_codec::chat_codec(tokenizer tokens, std::optional<chat_renderer> renderer,
                       std::optional<token_id> end_token)
    : tokenizer_(std::move(tokens)),
      renderer_(std::move(renderer)),
      end_token_(end_token) {
}

chat_codec chat_codec::of_path(const std::filesystem::path& path,
                               const std::filesystem::path& chat_template) {
  auto file = find_gguf(path);
  return file && !std::filesystem::exists(path / "tokenizer.json")
             ? of_gguf(*file, chat_template)
             : of_folder(path, chat_template);
}

chat_codec
chat_codec::of_folder(const std::filesystem::path& folder,
                      const std::filesystem::path& chat_template) {
  auto tokens = tokenizer::from_folder(folder);
  auto end = read_end_token(folder, tokens);
  return {std::move(tokens), chat_renderer::from_folder(folder, chat_template),
          end};
}

chat_codec chat_codec::of_gguf(const std::filesystem::path& path,
                               const std::filesystem::path& chat_template) {
  gguf_file file{path};
  const auto& metadata = file.metadata();
  std::optional<std::string> source;
  auto origin = path.string() + ": tokenizer.chat_template";
  if (!chat_template.empty()) {
    origin = chat_template.string();
    source = read_text_file(origin, max_template_bytes);
  } else if (auto own = gguf_chat_template(metadata)) {
    source = *own;
  }
  std::optional<chat_renderer> renderer;
  if (source) {
    chat_renderer_options options;
    options.special_tokens = gguf_special_tokens(metadata);
    try {
      renderer.emplace(*source, std::move(options));
    } catch (const template_error& problem) {
      throw std::runtime_error(origin + ": " + problem.what());
    }
  }
  auto end = metadata.integer("tokenizer.ggml.eos_token_id", 0, max_token_id);
  return {read_gguf_tokenizer(metadata), std::move(renderer),
          end ? std::optional{static_cast<token_id>(*end)} : std::nullopt};
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
  if (!conversation.template_arguments.empty())
    throw bad_chat("the model has no chat template that could be given anything "
                   "beside the messages");
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
