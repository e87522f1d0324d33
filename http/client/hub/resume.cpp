// Decides how a download goes on.
#include "http/client/hub/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace model_server {

namespace {

using std::chrono::seconds;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t result = 0;
  const auto* end = text.data() + text.size();
  auto [at, problem] = std::from_chars(text.data(), end, result);
  if (problem != std::errc{} || at != end)
    return std::nullopt;
  return result;
}

// True for `bytes FROM-LAST/SIZE` that begins where the file ends and ends
// where it should.
bool is_the_rest(std::string_view range, const partial_file& file) {
  return file.have < file.size
         && range
                == fmt::format("bytes {}-{}/{}", file.have, file.size - 1,
                               file.size);
}

} // namespace

answer_use use_of_answer(const http_head& head, const partial_file& file) {
  switch (head.status) {
  case 200: {
    auto length = head.field("content-length");
    return length.empty() || number_of(length) == file.size
               ? answer_use::start_over
               : answer_use::refuse;
  }
  case 206:
    return is_the_rest(head.field("content-range"), file)
               ? answer_use::append
               : answer_use::ask_anew;
  case 416:
    return file.have > 0 ? answer_use::ask_anew : answer_use::refuse;
  case 408:
  case 429:
    return answer_use::later;
  default:
    return head.status >= 500 ? answer_use::later : answer_use::refuse;
  }
}

std::vector<std::string> range_fields(const partial_file& file,
                                      const std::string& tag) {
  if (file.have == 0)
    return {};
  std::vector<std::string> result{fmt::format("Range: bytes={}-", file.have)};
  if (!tag.empty())
    result.push_back("If-Range: " + tag);
  return result;
}

std::string strong_tag(const http_head& head) {
  auto tag = head.field("etag");
  return tag.size() > 2 && tag.starts_with('"') && tag.ends_with('"') ? tag
                                                                      : "";
}

seconds retry_pause(unsigned failures, const http_head& head) {
  constexpr seconds longest{30};
  constexpr seconds longest_asked{120};
  if (auto asked = number_of(head.field("retry-after")))
    return std::min(seconds{static_cast<std::int64_t>(
                        std::min<std::uint64_t>(*asked, 1'000'000))},
                    longest_asked);
  auto doublings = std::min(failures > 0 ? failures - 1 : 0, 5U);
  return std::min(seconds{1 << doublings}, longest);
}

} // namespace model_server
