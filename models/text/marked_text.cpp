// Cuts and joins text together with the marks of its bytes.
#include "models/text/marked_text.hpp"

#include <algorithm>

namespace model_server {

marked_text::marked_text(std::string bytes, bool trusted)
    : bytes_(std::move(bytes)), first_trusted_(trusted) {
  // nop
}

bool marked_text::is_trusted_at(std::size_t position) const {
  auto passed =
      std::upper_bound(flips_.begin(), flips_.end(), position) - flips_.begin();
  return first_trusted_ == (passed % 2 == 0);
}

bool marked_text::is_trusted(std::size_t begin, std::size_t end) const {
  auto flip = std::upper_bound(flips_.begin(), flips_.end(), begin);
  return begin >= end
         || (is_trusted_at(begin) && (flip == flips_.end() || *flip >= end));
}

marked_text marked_text::slice(std::size_t begin, std::size_t end) const {
  marked_text result;
  result.append(*this, begin, end);
  return result;
}

void marked_text::append(const marked_text& other) {
  append(other, 0, other.size());
}

void marked_text::append(const marked_text& other, std::size_t begin,
                         std::size_t end) {
  auto at = begin;
  auto flip = std::upper_bound(other.flips_.begin(), other.flips_.end(), at);
  auto trusted = other.is_trusted_at(at);
  auto all = std::string_view{other.bytes_};
  while (at < end) {
    auto stop = flip == other.flips_.end() ? end : std::min(*flip++, end);
    append(all.substr(at, stop - at), trusted);
    trusted = !trusted;
    at = stop;
  }
}

void marked_text::append(std::string_view bytes, bool trusted) {
  if (bytes.empty())
    return;
  if (bytes_.empty()) {
    first_trusted_ = trusted;
    flips_.clear();
  } else if (is_trusted_at(bytes_.size() - 1) != trusted) {
    flips_.push_back(bytes_.size());
  }
  bytes_.append(bytes);
}

marked_text marked_text::with_trust(bool trusted) const {
  return {bytes_, trusted};
}

std::vector<prompt_segment> marked_text::segments() const {
  std::vector<prompt_segment> result;
  auto trusted = first_trusted_;
  std::size_t at = 0;
  auto take = [&](std::size_t end) {
    if (end > at)
      result.push_back({bytes_.substr(at, end - at), trusted});
    trusted = !trusted;
    at = end;
  };
  for (auto flip : flips_)
    take(flip);
  take(bytes_.size());
  return result;
}

} // namespace model_server
