// /v1/embeddings: what is embedded, and how the numbers are written. Pure.
#pragma once

#include "http/chat_request.hpp"
#include "http/error_reply.hpp"
#include "http/reply_format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// Inputs of one request at most.
inline constexpr std::size_t max_inputs = 2048;

enum class number_encoding : std::uint8_t {
  /// A list of numbers.
  numbers,
  /// 32-bit floats, the lowest byte first, as base64.
  base64
};

/// A request as its body asks for it.
struct embedding_request {
  /// Each prompt is an input.
  chat_request call;
  number_encoding encoding = number_encoding::numbers;
};

/// Reads the body of /v1/embeddings: inputs as texts or as token ids. Fields
/// that nobody knows are passed over, as clients expect.
std::variant<embedding_request, error_reply>
read_openai_embedding(std::string_view body);

/// Words the answer. There are no streams.
class embedding_format : public reply_format {
public:
  embedding_format(std::string model, number_encoding encoding);

  std::string whole(std::span<const written_choice> choices,
                    const usage_counts& usage) override;
  std::string opening(std::size_t choice) override;
  std::string piece(std::size_t choice, std::string_view text,
                    std::uint64_t last, std::span<const token> tokens) override;
  std::string ending(std::size_t choice, const reply_summary& summary) override;
  std::string closing(const usage_counts& usage) override;

private:
  std::string model_;
  number_encoding encoding_;
};

} // namespace model_server
