// A model's folder in the making, beside the place where it will appear.
#pragma once

#include "http/client/hub/pull_record.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace model_server {

/// Two folders: the target, which servers see and which is whole whenever it is
/// there, and a hidden one beside it, `.NAME.pull`, where files gather. A file
/// there has its name once it is whole and its checksum is right; before, it
/// ends with `.part`. Everything throws `std::runtime_error` or what it derives
/// from it.
class pull_folder {
public:
  /// Makes the hidden folder, and keeps other processes out of it. Throws if
  /// the target is there and was not fetched from the hub as this model.
  pull_folder(const std::filesystem::path& target, const std::string& model);
  ~pull_folder();

  pull_folder(const pull_folder&) = delete;
  pull_folder& operator=(const pull_folder&) = delete;

  const std::filesystem::path& target() const {
    return target_;
  }

  /// What the target was fetched as; nothing if it is not there.
  const std::optional<pull_record>& held() const {
    return held_;
  }

  /// Whether the target has this file, as far as its record and its size tell.
  bool holds(const planned_file& file) const;

  /// Keeps of the hidden folder what belongs to these files, takes over from
  /// the target what has not changed, and notes what is to be there in the end.
  void prepare(const pull_record& wanted);

  /// The place of a file that is whole.
  std::filesystem::path place_of(const planned_file& file) const;

  /// The place of one that is not yet.
  std::filesystem::path part_of(const planned_file& file) const;

  bool is_whole(const planned_file& file) const;

  /// Bytes of these files that are there, whole or not.
  std::uint64_t bytes_there(const std::vector<planned_file>& files) const;

  /// Bytes that the disk still takes.
  std::uint64_t free_bytes() const;

  /// Puts the hidden folder, with all files, in the target's place, in one
  /// step. Files that somebody else has put into the target stay there.
  void finish(const pull_record& wanted);

  /// There is nothing to do: leaves no trace.
  void discard();

private:
  void write_record(const pull_record& record) const;
  void take_over(const planned_file& file);
  void keep_foreign_files(const pull_record& wanted);

  std::filesystem::path target_;
  std::filesystem::path hidden_;
  std::optional<pull_record> held_;
  /// The hidden folder, locked.
  int lock_ = -1;
};

} // namespace model_server
