// A tokenizer of single letters, for models that were never trained.
#pragma once

#include <fmt/format.h>

#include <string>

namespace model_server::testing {

/// A tokenizer.json: `<unk>`, `<s>` and `</s>` are 0 to 2, the space is 3, `a`
/// to `z` are 4 to 29, and tokens that no text has fill it up to `size`.
inline std::string letter_tokenizer(int size) {
  auto special = [](int id, const char* spelling) {
    return fmt::format(
        R"({{"id":{},"content":"{}","single_word":false,"lstrip":false,)"
        R"("rstrip":false,"normalized":false,"special":true}})",
        id, spelling);
  };
  std::string vocabulary = R"("<unk>":0,"<s>":1,"</s>":2,"Ġ":3)";
  for (int id = 4; id < size; ++id)
    vocabulary += id < 30 ? fmt::format(",\"{}\":{}", char('a' + id - 4), id)
                          : fmt::format(",\"extra{}\":{}", id, id);
  return fmt::format(
      R"({{"version":"1.0","added_tokens":[{},{},{}],"normalizer":null,)"
      R"("pre_tokenizer":{{"type":"ByteLevel","add_prefix_space":false,)"
      R"("trim_offsets":true,"use_regex":true}},"post_processor":null,)"
      R"("decoder":{{"type":"ByteLevel"}},"model":{{"type":"BPE",)"
      R"("vocab":{{{}}},"merges":[]}}}})",
      special(0, "<unk>"), special(1, "<s>"), special(2, "</s>"), vocabulary);
}

} // namespace model_server::testing
