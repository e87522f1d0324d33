// Fetches files in as many pieces as it takes.
#include "http/client/hub/download.hpp"

#include "http/client/hub/blob_digest.hpp"
#include "http/client/hub/part_file.hpp"
#include "http/client/hub/resume.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_text_bytes = 64 << 20;

/// One file on its way to the disk.
class file_download {
public:
  file_download(const planned_file& file, const pull_folder& folder,
                pull_progress& progress)
      : file_(file), part_(folder.part_of(file)), progress_(progress) {
    if (part_.size() > file.size)
      start_over();
    else
      begin_digest();
    was_resumed_ = part_.size() > 0;
  }

  std::vector<std::string> fields() const {
    return range_fields({part_.size(), file_.size}, tag_);
  }

  bool has_all() const {
    return part_.size() == file_.size;
  }

  /// Takes a piece of an answer; false if it is of no use.
  bool take(const http_head& head, std::string_view bytes) {
    auto is_beginning = !use_;
    if (is_beginning)
      use_ = use_of_answer(head, {part_.size(), file_.size});
    if (*use_ != answer_use::append && *use_ != answer_use::start_over)
      return false;
    if (is_beginning) {
      if (*use_ == answer_use::start_over)
        start_over();
      was_resumed_ = part_.size() > 0;
      tag_ = strong_tag(head);
    }
    if (bytes.size() > file_.size - part_.size())
      throw std::runtime_error(
          fmt::format("{} is longer than the {} bytes that the hub lists",
                      quote(file_.remote, 256), file_.size));
    part_.append(bytes);
    digest_->add(bytes);
    progress_.add(bytes.size());
    has_brought_something_ = true;
    return true;
  }

  /// What to make of the answer as a whole; forgets it.
  std::pair<answer_use, bool> end_answer(const http_head& head) {
    auto use = use_ ? *use_ : use_of_answer(head, {part_.size(), file_.size});
    use_.reset();
    return {use, std::exchange(has_brought_something_, false)};
  }

  void start_over() {
    progress_.lose(std::min(part_.size(), file_.size));
    part_.empty();
    was_resumed_ = false;
    tag_.clear();
    begin_digest();
  }

  /// Gives it its name if it is what it should be. False if the pieces that it
  /// was put together from may be to blame: all of it has to come again, once.
  bool finish(const fs::path& place) {
    auto id = digest_->finish();
    if (id == file_.id) {
      part_.rename(place);
      return true;
    }
    auto may_be_pieced_together = was_resumed_;
    start_over();
    if (may_be_pieced_together && std::exchange(may_start_over_, false))
      return false;
    throw std::runtime_error(
        fmt::format("{} has come with the checksum {}, but the hub lists {}",
                    quote(file_.remote, 256), id.hex, file_.id.hex));
  }

private:
  void begin_digest() {
    digest_.emplace(file_.id.kind, file_.size);
    if (part_.size() > 0)
      digest_->add_file(part_.path());
  }

  const planned_file& file_;
  part_file part_;
  pull_progress& progress_;
  std::optional<blob_digest> digest_;
  /// The ETag of what is there; empty if it is not known.
  std::string tag_;
  bool was_resumed_ = false;
  bool may_start_over_ = true;
  std::optional<answer_use> use_;
  bool has_brought_something_ = false;
};

bool has_answered(const hub_answer& answer) {
  return answer.end == exchange_end::complete
         || answer.end == exchange_end::stopped;
}

std::string problem_of(const hub_client& hub, const hub_answer& answer,
                       const planned_file& file) {
  auto name = quote(file.remote, 256);
  if (!has_answered(answer))
    return fmt::format("{}: {}", name, answer.problem);
  auto status = answer.head.status;
  if (status == 200 || status == 206)
    return fmt::format("{} does not come with the {} bytes that the hub lists",
                       name, file.size);
  return hub.describe(answer.head);
}

// Why it is to be tried again; throws if that would bring no more.
std::string reason_to_retry(const hub_client& hub, const hub_answer& answer,
                            answer_use use, const planned_file& file) {
  auto why = problem_of(hub, answer, file);
  if (answer.end == exchange_end::impossible
      || (has_answered(answer) && use == answer_use::refuse))
    throw std::runtime_error(why);
  return why;
}

} // namespace

void download(hub_client& hub, const std::string& commit,
              const planned_file& file, const pull_folder& folder,
              retry_counter& retry, pull_progress& progress) {
  file_download download{file, folder, progress};
  progress.begin(file.local);
  for (;;) {
    if (download.has_all() && download.finish(folder.place_of(file)))
      break;
    auto answer = hub.get_file(commit, file.remote, download.fields(),
                               [&](const auto& head, auto bytes) {
                                 return download.take(head, bytes);
                               });
    auto [use, has_come] = download.end_answer(answer.head);
    if (has_come)
      retry.reset();
    if (answer.end == exchange_end::complete && download.has_all())
      continue;
    auto why = reason_to_retry(hub, answer, use, file);
    if (use == answer_use::ask_anew)
      download.start_over();
    retry.pause(why, answer.head);
  }
  progress.end();
}

std::string download_text(hub_client& hub, const std::string& commit,
                          const planned_file& file, retry_counter& retry) {
  if (file.size > max_text_bytes)
    throw std::runtime_error(fmt::format("{} has {} bytes; the limit is {}",
                                         quote(file.remote, 256), file.size,
                                         max_text_bytes));
  for (;;) {
    std::string text;
    auto answer = hub.get_file(commit, file.remote, {},
                               [&](const auto&, std::string_view bytes) {
                                 text += bytes;
                                 return text.size() <= max_text_bytes;
                               });
    auto use = use_of_answer(answer.head, {0, file.size});
    if (answer.end == exchange_end::complete && use == answer_use::start_over) {
      blob_digest digest{file.id.kind, file.size};
      digest.add(text);
      if (digest.finish() == file.id)
        return text;
      throw std::runtime_error(fmt::format("{} has another checksum than the "
                                           "hub lists",
                                           quote(file.remote, 256)));
    }
    retry.pause(reason_to_retry(hub, answer, use, file), answer.head);
  }
}

} // namespace model_server
