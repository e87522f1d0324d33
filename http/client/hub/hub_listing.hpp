// What a hub says of a model: its files, their sizes and checksums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace model_server {

enum class digest_kind {
  /// Of `blob SIZE\0` and the content, as git names files.
  git_sha1,
  sha256
};

/// What a file's content must be.
struct blob_id {
  digest_kind kind = digest_kind::git_sha1;
  /// In small letters; empty if the hub does not say it.
  std::string hex;

  friend bool operator==(const blob_id&, const blob_id&) = default;
};

struct hub_file {
  /// With the folders it lies in.
  std::string name;
  std::uint64_t size = 0;
  blob_id id;
};

struct hub_listing {
  /// What the revision stands for at this moment.
  std::string commit;
  std::vector<hub_file> files;
};

/// Reads the answer of `/api/models/{model}/revision/{revision}?blobs=true`.
/// Throws `std::runtime_error` for what is none.
hub_listing read_hub_listing(const std::string& body);

} // namespace model_server
