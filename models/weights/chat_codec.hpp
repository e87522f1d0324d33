// Chats to tokens and tokens to text, as a model folder says.
#pragma once

#include "models/entry.hpp"
#include "models/text/chat_renderer.hpp"
#include "models/text/tokenizer.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The tokenizer and the chat template of one model. A model without a template
/// knows no turns, it continues text: its prompt is what all turns say, one
/// right after the other, and its reply keeps the space it begins with.
class chat_codec {
public:
  /// Reads the tokenizer and, where there is one, the chat template of a model
  /// folder, or of a .gguf file (`find_gguf`) that has no tokenizer.json beside
  /// it. Throws `std::runtime_error` that names the file.
  /// `chat_template` is a file with another template, if it is not empty.
  explicit chat_codec(const std::filesystem::path& path,
                      const std::filesystem::path& chat_template = {});

  /// Never empty. Throws `bad_chat` if the template refuses the chat, the
  /// tokenizer gives up on its text or nothing is said in it.
  std::vector<token_id> encode(const chat& conversation) const;

  /// The tokens of plain text, after those that the tokenizer's file puts
  /// before any text. Never empty. Throws `bad_chat` as `encode` does.
  std::vector<token_id> encode_text(std::string_view text) const;

  /// Text of one token, empty for special ones.
  std::string decode(token_id token, bool at_start) const;

  /// One more than the largest id.
  std::size_t vocabulary() const;

  /// What tokenizer_config.json calls the `eos_token`, if it does.
  std::optional<token_id> end_token() const {
    return end_token_;
  }

private:
  chat_codec(tokenizer tokens, std::optional<chat_renderer> renderer,
             std::optional<token_id> end_token);
  static chat_codec of_path(const std::filesystem::path& path,
                            const std::filesystem::path& chat_template);
  static chat_codec of_folder(const std::filesystem::path& folder,
                              const std::filesystem::path& chat_template);
  static chat_codec of_gguf(const std::filesystem::path& path,
                            const std::filesystem::path& chat_template);

  std::vector<token_id> tokens_of(const chat& conversation) const;

  tokenizer tokenizer_;
  std::optional<chat_renderer> renderer_;
  std::optional<token_id> end_token_;
};

} // namespace model_server
