// What entries that read a Hugging Face folder have in common.
#pragma once

#include "models/entry.hpp"
#include "models/weights/chat_codec.hpp"
#include "models/weights/generation_config.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Speaks through the folder's tokenizer and template, and tells what `info_`
/// holds.
class folder_entry : public model_entry {
public:
  model_info info() const override {
    return info_;
  }

  std::vector<token_id> encode(const chat& conversation) const override {
    return codec_.encode(conversation);
  }

  std::vector<token_id> encode_text(std::string_view text) const override {
    return codec_.encode_text(text);
  }

  std::string decode(token_id token, bool at_start) const override {
    return codec_.decode(token, at_start);
  }

protected:
  /// Throws as `chat_codec` does.
  explicit folder_entry(const std::filesystem::path& folder,
                        const std::filesystem::path& chat_template = {})
      : codec_(folder, chat_template) {
  }

  /// `end_tokens` count where `generation` has none, and the tokenizer's where
  /// these are none either.
  void set_info(const generation_config& generation, std::size_t context,
                std::size_t vocabulary,
                const std::vector<token_id>& end_tokens = {}) {
    info_.context_length = context;
    info_.defaults = generation.defaults;
    info_.default_max_tokens = generation.default_max_tokens;
    info_.vocabulary = vocabulary;
    info_.end_tokens =
        !generation.end_tokens.empty() ? generation.end_tokens : end_tokens;
    if (info_.end_tokens.empty() && codec_.end_token())
      info_.end_tokens.push_back(*codec_.end_token());
  }

  chat_codec codec_;
  model_info info_;
};

} // namespace model_server
