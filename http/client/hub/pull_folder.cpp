// Gathers the files of a model and puts them in their place.
#include "http/client/hub/pull_folder.hpp"

#include "config/quote.hpp"
#include "models/text/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace model_server {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_record_bytes = 16 << 20;

std::optional<pull_record> record_in(const fs::path& folder) {
  auto path = folder / pull_record_file;
  if (!fs::exists(path))
    return std::nullopt;
  return read_pull_record(read_text_file(path, max_record_bytes));
}

bool has_size(const fs::path& path, std::uint64_t size) {
  std::error_code problem;
  return fs::is_regular_file(path, problem)
         && fs::file_size(path, problem) == size && !problem;
}

void sync_folder(const fs::path& folder) {
  auto handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0)
    return;
  ::fsync(handle);
  ::close(handle);
}

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::create_hard_link(from, to, problem);
  if (problem)
    fs::copy_file(from, to);
}

// The files of a folder and of those in it, by their names in it.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> result;
  for (const auto& entry : fs::recursive_directory_iterator{folder})
    if (!entry.is_directory() || entry.is_symlink())
      result.push_back(entry.path().lexically_relative(folder));
  return result;
}

} // namespace

pull_folder::pull_folder(const fs::path& target, const std::string& model)
    : target_(fs::weakly_canonical(target)),
      hidden_(target_.parent_path()
              / fmt::format(".{}.pull", target_.filename().string())) {
  auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("{} {}; give another folder with --to",
                                         target_.string(), why));
  };
  if (fs::exists(target_) && !fs::is_directory(target_))
    refuse("is no folder");
  if (fs::exists(target_)) {
    held_ = record_in(target_);
    if (!held_ && !fs::is_empty(target_))
      refuse("is there and was not made by model_api pull");
    if (held_ && held_->model != model)
      refuse("holds " + quote(held_->model, 256));
  }
  fs::create_directories(hidden_);
  lock_ = ::open(hidden_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0)
    fail(hidden_);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    auto is_busy = errno == EWOULDBLOCK;
    ::close(lock_);
    if (is_busy)
      throw std::runtime_error(fmt::format(
          "{} is being fetched by another process", target_.string()));
    fail(hidden_);
  }
}

pull_folder::~pull_folder() {
  std::error_code ignored;
  fs::remove(hidden_, ignored); // if it is empty
  ::close(lock_);
}

bool pull_folder::holds(const planned_file& file) const {
  if (!held_)
    return false;
  const auto* found = held_->find(file.local);
  return found != nullptr && is_same_content(*found, file)
         && has_size(target_ / file.local, file.size);
}

fs::path pull_folder::place_of(const planned_file& file) const {
  return hidden_ / file.local;
}

fs::path pull_folder::part_of(const planned_file& file) const {
  return hidden_ / (file.local + ".part");
}

bool pull_folder::is_whole(const planned_file& file) const {
  return has_size(place_of(file), file.size);
}

void pull_folder::prepare(const pull_record& wanted) {
  auto before = record_in(hidden_).value_or(pull_record{});
  std::set<fs::path> kept{pull_record_file};
  for (const auto& file : wanted.files) {
    const auto* known = before.find(file.local);
    if (known == nullptr || !is_same_content(*known, file))
      continue;
    kept.insert(file.local);
    kept.insert(file.local + ".part");
  }
  for (const auto& name : files_below(hidden_))
    if (!kept.contains(name))
      fs::remove(hidden_ / name);
  write_record(wanted);
  for (const auto& file : wanted.files) {
    fs::create_directories(place_of(file).parent_path());
    take_over(file);
  }
}

void pull_folder::write_record(const pull_record& record) const {
  auto text = to_text(record);
  auto path = hidden_ / (std::string{pull_record_file} + ".new");
  std::ofstream{path, std::ios::binary} << text;
  if (!has_size(path, text.size()))
    throw std::runtime_error(path.string() + " cannot be written");
  fs::rename(path, hidden_ / pull_record_file);
}

void pull_folder::take_over(const planned_file& file) {
  if (!is_whole(file) && holds(file)) {
    fs::remove(place_of(file));
    link_or_copy(target_ / file.local, place_of(file));
  }
}

std::uint64_t
pull_folder::bytes_there(const std::vector<planned_file>& files) const {
  std::uint64_t result = 0;
  for (const auto& file : files) {
    std::error_code problem;
    if (is_whole(file))
      result += file.size;
    else if (auto size = fs::file_size(part_of(file), problem); !problem)
      result += std::min<std::uint64_t>(size, file.size);
  }
  return result;
}

std::uint64_t pull_folder::free_bytes() const {
  return fs::space(hidden_).available;
}

void pull_folder::keep_foreign_files(const pull_record& wanted) {
  for (const auto& name : files_below(target_)) {
    auto text = name.generic_string();
    if (text == pull_record_file || held_->find(text) != nullptr
        || wanted.find(text) != nullptr)
      continue;
    fs::create_directories((hidden_ / name).parent_path());
    if (fs::is_symlink(target_ / name))
      fs::copy_symlink(target_ / name, hidden_ / name);
    else
      link_or_copy(target_ / name, hidden_ / name);
  }
}

void pull_folder::finish(const pull_record& wanted) {
  if (!held_) {
    std::error_code ignored;
    fs::remove(target_, ignored); // if it is there it is empty
    fs::rename(hidden_, target_);
    sync_folder(target_.parent_path());
    return;
  }
  keep_foreign_files(wanted);
  if (::renameat2(AT_FDCWD, hidden_.c_str(), AT_FDCWD, target_.c_str(),
                  RENAME_EXCHANGE)
      != 0) {
    // A file system that cannot exchange: for a moment the model is not there.
    auto old = hidden_.string() + ".old";
    fs::rename(target_, old);
    fs::rename(hidden_, target_);
    fs::rename(old, hidden_);
  }
  sync_folder(target_.parent_path());
  fs::remove_all(hidden_);
}

void pull_folder::discard() {
  fs::remove_all(hidden_);
}

} // namespace model_server
