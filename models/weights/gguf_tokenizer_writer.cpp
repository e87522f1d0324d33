// Writes the parts of a tokenizer.json that all kinds of models have.
#include "models/weights/gguf_tokenizer_writer.hpp"

#include <fmt/format.h>

namespace model_server {

using enum gguf_token_kind;

std::optional<token_id>
gguf_tokenizer_writer::find(std::string_view key,
                            std::optional<token_id> usual) const {
  auto result = gguf_token_id(metadata, key, tokens.size());
  if (!result && usual && static_cast<std::size_t>(*usual) < tokens.size())
    return usual;
  return result;
}

std::optional<token_id>
gguf_tokenizer_writer::around(std::string_view flag, bool otherwise,
                              std::string_view key,
                              std::optional<token_id> usual) const {
  if (!metadata.boolean(flag).value_or(otherwise))
    return std::nullopt;
  auto result = find(key, usual);
  if (!result)
    metadata.refuse(key, fmt::format("but `{}` asks for it", flag));
  return result;
}

std::optional<token_id>
gguf_tokenizer_writer::begin(bool otherwise,
                             std::optional<token_id> usual) const {
  return around("tokenizer.ggml.add_bos_token", otherwise,
                "tokenizer.ggml.bos_token_id", usual);
}

std::optional<token_id>
gguf_tokenizer_writer::end(bool otherwise,
                           std::optional<token_id> usual) const {
  return around("tokenizer.ggml.add_eos_token", otherwise,
                "tokenizer.ggml.eos_token_id", usual);
}

void gguf_tokenizer_writer::write_added_tokens(const is_token& takes_spaces) {
  out.list("added_tokens", [&] {
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      auto& token = tokens[id];
      if (token.text.empty()
          || (token.kind != control && token.kind != user_defined
              && token.kind != unknown))
        continue;
      out.object([&] {
        out.integer("id", static_cast<std::int64_t>(id));
        out.text("content", token.text);
        out.flag("single_word", false);
        out.flag("lstrip", false);
        out.flag("rstrip", takes_spaces && takes_spaces(token));
        out.flag("normalized", false);
        out.flag("special", token.kind != user_defined);
      });
    }
  });
}

void gguf_tokenizer_writer::write_vocabulary(const is_token& is_wanted) {
  out.object("vocab", [&] {
    for (std::size_t id = 0; id < tokens.size(); ++id)
      if (is_wanted(tokens[id]))
        out.integer(tokens[id].text, static_cast<std::int64_t>(id));
  });
}

void gguf_tokenizer_writer::write_replace(std::string_view pattern,
                                          std::string_view content) {
  out.object([&] {
    out.text("type", "Replace");
    out.object("pattern", [&] { out.text("String", pattern); });
    out.text("content", content);
  });
}

void gguf_tokenizer_writer::write_post_processor(
    std::optional<token_id> before, std::optional<token_id> after) {
  auto place = [&](std::string_view kind, std::string_view id) {
    out.object([&] {
      out.object(kind, [&] {
        out.text("id", id);
        out.integer("type_id", 0);
      });
    });
  };
  // Of one text, and of two, which nobody asks for but the format does.
  auto write_template = [&](std::string_view name,
                            std::initializer_list<std::string_view> texts) {
    out.list(name, [&] {
      if (before)
        place("SpecialToken", text_of(*before));
      for (auto text : texts)
        place("Sequence", text);
      if (after)
        place("SpecialToken", text_of(*after));
    });
  };
  out.object("post_processor", [&] {
    out.text("type", "TemplateProcessing");
    write_template("single", {"A"});
    write_template("pair", {"A", "B"});
    out.object("special_tokens", [&] {
      for (auto id : {before, after})
        if (id)
          out.object(text_of(*id), [&] {
            out.text("id", text_of(*id));
            out.list("ids", [&] { out.integer(*id); });
            out.list("tokens", [&] { out.text(text_of(*id)); });
          });
    });
  });
}

} // namespace model_server
