// The cuts that tokenizer files ask for.
#include "models/text/pre_tokenizer.hpp"

#include "models/text/byte_alphabet.hpp"
#include "models/text/growth.hpp"
#include "models/text/script_runs.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"
#include "models/text/word_patterns.hpp"

#include <utility>

namespace model_server {

namespace {

/// Rust's word characters, and what else isn't white space.
constexpr std::string_view rust_words =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\s]+)";

} // namespace

void pre_tokenizer::add_split(unicode_pattern pattern,
                              split_behaviour behaviour, bool invert) {
  if (behaviour == split_behaviour::isolated) {
    steps_.push_back([pattern = std::move(pattern)](word_list& words,
                                                    pattern_deadline deadline) {
      cut_around(words, pattern, deadline);
    });
    return;
  }
  stretch_finder find = [pattern = std::move(pattern)](
                            std::string_view word, pattern_deadline deadline) {
    return stretches_of(pattern, word, deadline);
  };
  steps_.push_back([find = std::move(find), behaviour,
                    invert](word_list& words, pattern_deadline deadline) {
    cut(words, find, behaviour, invert, deadline);
  });
}

void pre_tokenizer::add_digits(bool individual) {
  steps_.push_back([individual](word_list& words, pattern_deadline deadline) {
    auto find = [](std::string_view word, pattern_deadline) {
      return characters_of(word, is_numeric);
    };
    cut(words, find,
        individual ? split_behaviour::isolated : split_behaviour::contiguous,
        false, deadline);
  });
}

void pre_tokenizer::add_punctuation(split_behaviour behaviour) {
  steps_.push_back([behaviour](word_list& words, pattern_deadline deadline) {
    auto find = [](std::string_view word, pattern_deadline) {
      return characters_of(word, is_punctuation);
    };
    cut(words, find, behaviour, false, deadline);
  });
}

void pre_tokenizer::add_byte_level(bool prefix_space, bool use_pattern) {
  if (prefix_space)
    steps_.push_back([](word_list& words, pattern_deadline) {
      rewrite(words, [](std::string_view word, bool, std::string& out) {
        if (!word.starts_with(' '))
          out += ' ';
        out += word;
      });
    });
  if (use_pattern)
    add_split(unicode_pattern{gpt2_words}, split_behaviour::isolated, false);
  steps_.push_back([](word_list& words, pattern_deadline) {
    rewrite(words, [](std::string_view word, bool, std::string& out) {
      for (auto byte : word)
        out += byte_letter(static_cast<unsigned char>(byte));
    });
  });
  byte_letters_ = steps_.size();
}

void pre_tokenizer::add_metaspace(std::string letter, prefix_rule prefix,
                                  bool split) {
  steps_.push_back([letter, prefix](word_list& words, pattern_deadline) {
    auto at_start = words.at_start;
    rewrite(words, [&](std::string_view word, bool first, std::string& out) {
      auto wanted = prefix == prefix_rule::always
                    || (prefix == prefix_rule::first && first && at_start);
      if (wanted && !word.starts_with(letter) && !word.starts_with(' '))
        out += letter;
      for (auto c : word)
        if (c == ' ') {
          out += letter;
          check_growth(out.size(), words.text.size());
        } else {
          out += c;
        }
    });
  });
  if (split)
    add_split(unicode_pattern::literal(letter),
              split_behaviour::merged_with_next, false);
}

void pre_tokenizer::add_bert() {
  steps_.push_back(
      [](word_list& words, pattern_deadline) { cut_as_bert(words); });
}

void pre_tokenizer::add_white_space() {
  add_split(unicode_pattern{R"(\s)"}, split_behaviour::removed, false);
}

void pre_tokenizer::add_words() {
  add_split(unicode_pattern{rust_words}, split_behaviour::removed, true);
}

void pre_tokenizer::add_scripts() {
  add_split(script_runs(), split_behaviour::removed, true);
}

void pre_tokenizer::add_length(std::size_t length) {
  steps_.push_back([length](word_list& words, pattern_deadline) {
    cut_to_length(words, length);
  });
}

word_list pre_tokenizer::apply(std::string text, bool at_start,
                               pattern_deadline deadline) const {
  auto size = text.size();
  word_list words{std::move(text), {}, at_start};
  if (!words.text.empty())
    words.ends.push_back(words.text.size());
  for (auto& cut_once : steps_) {
    cut_once(words, deadline);
    check_growth(words.text.size(), size);
  }
  return words;
}

} // namespace model_server
