// Tokenizers, from each file that they come in.
#include "tests/fuzz/harness.hpp"

#include "models/text/tokenizer.hpp"
#include "models/text/utf8.hpp"

#include <string>
#include <utility>
#include <vector>

namespace model_server::testing {

namespace {

const std::string fixed_text =
    "Hello, World 1234567!\n\n  don't  \u00C9t\u00E9 e\u0301 \u4F60\u597D "
    "\u0E2A\u0E27\u0E31 \U0001F469\u200D\U0001F680 <s></s><|im_end|> \u2581 \t"
    "\xFF\x80"
    "aaaaaaaaaaaaaaaabbbbbbbb";

// In a folder of its own, so that no other harness's files are there.
void try_alone(std::string_view folder, std::string_view name,
               std::string_view file) {
  auto path =
      write_scratch(std::string{folder} + "/" + std::string{name}, file);
  may_refuse(
      [&] { use_tokenizer(tokenizer::from_folder(path.parent_path()), file); });
}

} // namespace

void use_tokenizer(const tokenizer& reads, std::string_view file) {
  auto size = static_cast<token_id>(reads.vocab_size());
  for (auto text : {std::string_view{fixed_text}, file.substr(0, 256)})
    for (auto trusted : {false, true})
      may_refuse([&] {
        auto tokens = reads.encode(text, trusted, {.add_special = true});
        for (auto token : tokens)
          require(token >= 0 && token < size, "a token of the vocabulary");
        for (auto skips : {false, true})
          require(is_valid_utf8(reads.decode(tokens, skips)),
                  "decoded text is UTF-8");
      });
}

void try_tokenizer_json(std::string_view file) {
  may_refuse([&] {
    use_tokenizer(tokenizer::from_json(std::string{file}, "tokenizer.json"),
                  file);
  });
}

void try_sentence_piece(std::string_view file) {
  // What does not begin so is read as a list of ranks.
  if (file.starts_with('\n'))
    try_alone("sentence_piece", "tokenizer.model", file);
}

void try_ranks(std::string_view file) {
  try_alone("ranks", "qwen.tiktoken", file);
}

void try_word_list(std::string_view file) {
  try_alone("word_list", "vocab.txt", file);
}

void try_merge_list(std::string_view file) {
  write_scratch("merge_list/vocab.json",
                R"({"a": 0, "b": 1, "ab": 2, "abab": 3, "\u0120": 4,
                    "\u0120a": 5, "aa": 6, "aaa": 7, "aaaa": 8})");
  try_alone("merge_list", "merges.txt", file);
}

} // namespace model_server::testing
