// Follows a text through the parts of a tokenizer, and tokens back.
#include "models/text/tokenizer.hpp"

#include "models/text/tokenizer_folder.hpp"
#include "models/text/tokenizer_parts.hpp"
#include "models/text/utf8.hpp"

#include <chrono>
#include <utility>

namespace model_server {

namespace {

/// The largest published file has 33 MB.
constexpr std::size_t max_file_bytes = std::size_t{128} << 20;

/// How long the patterns of a file may be at work on a text of that size.
pattern_deadline deadline_for(std::size_t bytes) {
  using namespace std::chrono_literals;
  return std::chrono::steady_clock::now() + 10s
         + std::chrono::microseconds{10 * bytes};
}

/// Text that is in no added token.
void encode_plain(const tokenizer_parts& parts, std::string text, bool at_start,
                  pattern_deadline deadline, std::vector<token_id>& out) {
  auto words = parts.words.apply(std::move(text), at_start, deadline);
  std::visit(
      [&](auto& model) {
        words.for_each([&](std::string_view word) { model.encode(word, out); });
      },
      parts.model);
}

/// Text between those added tokens that are found before normalisation.
void encode_normalized(const tokenizer_parts& parts, marked_text text,
                       bool at_start, pattern_deadline deadline,
                       std::vector<token_id>& out) {
  auto normal = parts.normal.apply(std::move(text), deadline);
  if (!parts.added.any(true)) {
    encode_plain(parts, normal.bytes(), at_start, deadline, out);
    return;
  }
  for (auto& part : parts.added.split(normal, true))
    if (part.token)
      out.push_back(*part.token);
    else
      encode_plain(parts,
                   normal.bytes().substr(part.begin, part.end - part.begin),
                   at_start && part.begin == 0, deadline, out);
}

} // namespace

tokenizer tokenizer::from_file(const std::filesystem::path& path) {
  return from_json(read_text_file(path, max_file_bytes), path.string());
}

tokenizer tokenizer::from_folder(const std::filesystem::path& folder) {
  return tokenizer{
      std::make_unique<const tokenizer_parts>(read_tokenizer_folder(folder))};
}

tokenizer tokenizer::from_json(std::string json, const std::string& origin) {
  return tokenizer{std::make_unique<const tokenizer_parts>(
      read_tokenizer(std::move(json), origin))};
}

tokenizer::tokenizer(std::unique_ptr<const tokenizer_parts> parts)
    : parts_(std::move(parts)) {
  // nop
}

tokenizer::tokenizer(tokenizer&&) noexcept = default;

tokenizer& tokenizer::operator=(tokenizer&&) noexcept = default;

tokenizer::~tokenizer() = default;

std::vector<token_id> tokenizer::encode(std::span<const prompt_segment> prompt,
                                        encode_options options) const {
  marked_text text;
  for (auto& segment : prompt)
    text.append(is_valid_utf8(segment.text) ? segment.text
                                            : repair_utf8(segment.text),
                segment.trusted);
  auto deadline = deadline_for(text.size());
  std::vector<token_id> result;
  if (options.add_special)
    result = parts_->prefix;
  for (auto& part : parts_->added.split(text, false))
    if (part.token)
      result.push_back(*part.token);
    else
      encode_normalized(*parts_, text.slice(part.begin, part.end),
                        part.begin == 0, deadline, result);
  if (options.add_special)
    result.insert(result.end(), parts_->suffix.begin(), parts_->suffix.end());
  return result;
}

std::vector<token_id> tokenizer::encode(std::string_view text, bool trusted,
                                        encode_options options) const {
  prompt_segment whole{std::string{text}, trusted};
  return encode(std::span{&whole, 1}, options);
}

std::string tokenizer::decode(std::span<const token_id> tokens,
                              bool skip_special) const {
  std::string bytes;
  token_id before = -1;
  std::size_t begin = 0;
  bool at_start = true, was_at_start = true;
  for (auto token : tokens) {
    if (token < 0 || static_cast<std::size_t>(token) >= vocab_size()
        || (skip_special && is_special(token))
        || (token == before && parts_->decoder.drops_repeats()))
      continue;
    before = token;
    begin = bytes.size();
    bytes += piece(token, at_start, skip_special);
    was_at_start = std::exchange(at_start, false);
  }
  if (before >= 0 && parts_->decoder.minds_end())
    bytes.replace(
        begin, std::string::npos,
        parts_->decoder.decode(parts_->spelling(before), {was_at_start, true}));
  return repair_utf8(bytes);
}

std::string_view tokenizer::piece(token_id token, bool at_start,
                                  bool skip_special) const {
  if (skip_special && is_special(token))
    return {};
  return parts_->pieces.find(token, at_start);
}

std::size_t tokenizer::vocab_size() const {
  return parts_->pieces.end_id();
}

std::optional<token_id> tokenizer::id_of(std::string_view spelling) const {
  if (auto id = parts_->added.table().find(spelling))
    return id;
  return vocabulary_of(parts_->model).find(spelling);
}

bool tokenizer::is_special(token_id token) const {
  return parts_->added.is_special(token);
}

} // namespace model_server
