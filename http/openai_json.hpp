// The JSON of OpenAI's answers. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/json.hpp"
#include "http/reply_format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace model_server {

/// What all answers to one request repeat, letter by letter.
struct openai_frame {
  /// `chatcmpl-...`.
  std::string id;
  /// Seconds since 1970.
  std::uint64_t created = 0;
  std::string model;
};

/// Seconds since 1970, now.
std::uint64_t unix_seconds();

/// Opens an answer: `id`, `object` and what else comes before the choices.
void begin_answer(json_text& out, const openai_frame& frame,
                  std::string_view object);

/// Writes the key `finish_reason`, null for none.
void write_finish(json_text& out, finish_reason finish);

/// Writes the key `usage` and its counts.
void write_openai_usage(json_text& out, const usage_counts& usage);

/// The whole answer of a chat; its tokens count if `with_logprobs`.
std::string chat_completion_json(const openai_frame& frame,
                                 std::span<const written_choice> choices,
                                 bool with_logprobs, const usage_counts& usage);

/// What the delta of a chunk has.
enum class chunk_part {
  /// The role, and an empty content.
  role,
  content,
  /// Nothing, beside the reason for the end.
  finish
};

/// A chunk of a streamed chat, as one event's data.
struct chat_chunk {
  std::size_t index = 0;
  chunk_part part = chunk_part::content;
  std::string_view text = {};
  /// Logprobs are written for these; without any the key is null.
  std::span<const token> tokens = {};
  finish_reason finish = finish_reason::none;
};

/// Writes a chunk. `names_usage` writes `usage` as null: clients that asked for
/// an event of usage find the key on every chunk, and no others do.
std::string chat_chunk_json(const openai_frame& frame, const chat_chunk& chunk,
                            bool names_usage);

/// The chunk that has no choices and the usage.
std::string usage_chunk_json(const openai_frame& frame, std::string_view object,
                             const usage_counts& usage);

/// The list of models, whatever their state; all as old as the server.
std::string models_json(const server_status& status, std::uint64_t created);

/// One of them.
std::string model_json(const model_status& model, std::uint64_t created);

} // namespace model_server
