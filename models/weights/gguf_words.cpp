// The table of ways to cut text into words.
#include "models/weights/gguf_words.hpp"

#include <array>
#include <utility>

namespace model_server {

namespace {

using enum gguf_cut::kind;

constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
    R"(|\s+(?!\S)|\s+)";

constexpr std::array gpt2{gguf_cut{gpt2_words}};

constexpr std::array single_digits{gguf_cut{each_digit}, gguf_cut{gpt2_words}};

constexpr std::array llama3{
    gguf_cut{split, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+)"
                    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
                    R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array qwen2{
    gguf_cut{split, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+)"
                    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
                    R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array qwen35{
    gguf_cut{split,
             R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)"
             R"(|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+)"
             R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

// o200k: words end where small letters are followed by large ones.
constexpr std::array gpt4o{
    gguf_cut{split, R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*)"
                    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
                    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
                    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
                    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+)"
                    R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array tekken{
    gguf_cut{split, R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*)"
                    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
                    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+)"
                    R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array deepseek_llm{
    gguf_cut{split, R"([\r\n])"},
    gguf_cut{
        split,
        R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ)"
        R"(Ⴀ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌ)"
        R"(ῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭ)"
        R"(Ꚁ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)"},
    gguf_cut{split, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)"},
    gguf_cut{split, R"(\s+$)"},
    gguf_cut{split, R"([一-龥ࠀ-一가-퟿]+)"},
    gguf_cut{each_digit},
    gguf_cut{bytes}};

constexpr std::array deepseek_coder{
    gguf_cut{split, R"([\r\n])"},
    gguf_cut{split, R"(\s?\p{L}+)"},
    gguf_cut{split, R"(\s?\p{P}+)"},
    gguf_cut{split, R"([一-龥ࠀ-一가-퟿]+)"},
    gguf_cut{each_digit},
    gguf_cut{bytes}};

constexpr std::array deepseek_v3{
    gguf_cut{split, R"(\p{N}{1,3})"},
    gguf_cut{split, R"([一-龥぀-ゟ゠-ヿ]+)"},
    gguf_cut{split,
             R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
             R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)"
             R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array falcon{gguf_cut{punctuation}, gguf_cut{gpt2_words},
                            gguf_cut{digits},
                            gguf_cut{split, "[0-9][0-9][0-9]"}};

constexpr std::array bloom{gguf_cut{split, R"( ?[^(\s|.,!?…。，、।۔،)]+)"},
                           gguf_cut{bytes}};

constexpr std::array viking{gguf_cut{split, R"( ?[^(\s|.,!?…。，、।۔،)]+)"},
                            gguf_cut{each_digit}, gguf_cut{bytes}};

constexpr std::array bailing_moe{
    gguf_cut{split, R"('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE]))"
                    R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

constexpr std::array seed_coder{
    gguf_cut{split, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+)"
                    R"(|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+)"
                    R"(|\s+(?!\S)|\s+)"},
    gguf_cut{bytes}};

// Files from before the name was written, as llama.cpp cuts for them.
constexpr std::array unnamed{
    gguf_cut{split, R"([\p{P}\$\+<=>\^~\|]+)"}, gguf_cut{split, gpt2_pattern},
    gguf_cut{split, R"(\p{N}+)"}, gguf_cut{split, "[0-9][0-9][0-9]"},
    gguf_cut{bytes}};

constexpr gguf_words llama3_words{llama3, false, true, true};
constexpr gguf_words composed_gpt2{gpt2, true};

constexpr std::array<std::pair<std::string_view, gguf_words>, 50> table{{
    {"default", {unnamed}},
    {"gpt-2", {gpt2}},
    {"gpt2", {gpt2}},
    {"phi-2", {gpt2}},
    {"roberta-bpe", {gpt2}},
    {"jais", {gpt2}},
    {"gigachat", {gpt2}},
    {"mpt", composed_gpt2},
    {"olmo", composed_gpt2},
    {"starcoder", {single_digits}},
    {"refact", {single_digits}},
    {"smollm", {single_digits}},
    {"codeshell", {single_digits}},
    {"exaone", {single_digits}},
    {"minerva-7b", {single_digits}},
    {"command-r", {single_digits, true}},
    {"llama3", llama3_words},
    {"llama-v3", llama3_words},
    {"llama-bpe", llama3_words},
    {"falcon3", llama3_words},
    {"falcon-h1", llama3_words},
    {"pixtral", llama3_words},
    {"midm-2.0", llama3_words},
    {"lfm2", llama3_words},
    {"dbrx", {llama3}},
    {"smaug-bpe", {llama3}},
    {"chatglm-bpe", {llama3}},
    {"glm4", {llama3}},
    {"qwen2", {qwen2, true}},
    {"stablelm2", {qwen2}},
    {"hunyuan", {qwen2}},
    {"megrez", {qwen2}},
    {"deepseek-r1-qwen", {qwen2}},
    {"qwen35", {qwen35, true}},
    {"gpt-4o", {gpt4o}},
    {"llama4", {gpt4o}},
    {"kanana2", {gpt4o}},
    {"tekken", {tekken, false, true, true}},
    {"deepseek-llm", {deepseek_llm}},
    {"deepseek-coder", {deepseek_coder}},
    {"deepseek-v3", {deepseek_v3}},
    {"hunyuan-dense", {deepseek_v3}},
    {"falcon", {falcon}},
    {"bloom", {bloom}},
    {"poro-chat", {bloom}},
    {"gpt3-finnish", {bloom}},
    {"viking", {viking}},
    {"bailingmoe", {bailing_moe}},
    {"bailingmoe2", {bailing_moe}},
    {"seed-coder", {seed_coder}},
}};

} // namespace

const gguf_words* find_gguf_words(std::string_view name) {
  for (auto& [known, words] : table)
    if (known == name)
      return &words;
  return nullptr;
}

} // namespace model_server
