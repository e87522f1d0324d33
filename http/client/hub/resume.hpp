// What to make of an answer to a request for the rest of a file.
#pragma once

#include "http/client/http_exchange.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace model_server {

/// What is there of a file, and how much there should be.
struct partial_file {
  std::uint64_t have = 0;
  std::uint64_t size = 0;
};

enum class answer_use {
  /// The body goes on where the file ends.
  append,
  /// The body is the whole file: what is there is thrown away.
  start_over,
  /// What is there cannot be gone on with: ask again without it.
  ask_anew,
  /// No body of this file. A status says more than this does.
  refuse,
  /// Not now: try again later.
  later,
};

/// Decides by status and fields. An answer whose size is not that of the file
/// is refused.
answer_use use_of_answer(const http_head& head, const partial_file& file);

/// The fields that ask for the rest, unless all is wanted. `tag` is the ETag of
/// the answer that brought the beginning; if it is known and no longer true the
/// hub sends all of it.
std::vector<std::string> range_fields(const partial_file& file,
                                      const std::string& tag);

/// An ETag by which pieces of a file may be put together; empty if this one is
/// not fit for it.
std::string strong_tag(const http_head& head);

/// How long to wait before the attempt after `failures` that brought nothing: a
/// second, doubled each time up to half a minute, or what the hub asks for in
/// `Retry-After`, up to two minutes.
std::chrono::seconds retry_pause(unsigned failures, const http_head& head);

} // namespace model_server
