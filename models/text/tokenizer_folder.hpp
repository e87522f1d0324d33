// The tokenizer of a model folder, from whichever files it has.
#pragma once

#include "models/text/tokenizer_parts.hpp"
#include "models/text/tokenizer_settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Finds the files and reads them: `tokenizer.json`; else `tokenizer.model`,
/// which is a SentencePiece model or a list of ranks; else `vocab.json` and
/// `merges.txt`; else a list of ranks `*.tiktoken`; else `vocab.txt`. Throws
/// `std::runtime_error` that names the file or, where there is none, all that
/// were looked for.
tokenizer_parts read_tokenizer_folder(const std::filesystem::path& folder);

/// The files of a folder on which its tokenizer may depend, those of them that
/// are there, always in the same order.
std::vector<std::filesystem::path>
tokenizer_files(const std::filesystem::path& folder);

/// The readers of single sources. `origin` stands for the file in errors.
tokenizer_parts read_sentence_piece(std::string_view bytes,
                                    const std::string& origin,
                                    tokenizer_settings settings);
tokenizer_parts read_ranks(std::string_view text,
                           const std::filesystem::path& path,
                           const tokenizer_settings& settings);
tokenizer_parts read_vocabulary_and_merges(const std::filesystem::path& folder,
                                           const tokenizer_settings& settings);
tokenizer_parts read_word_list(std::string_view text, const std::string& origin,
                               const tokenizer_settings& settings);

/// Puts the tokens that `settings` name around a text: `front` before it and
/// `back` behind it; empty names and tokens that aren't there add nothing.
void surround(tokenizer_parts& parts, const tokenizer_settings& settings,
              std::string_view front, std::string_view back);

} // namespace model_server
