// Checksums of files that are fetched.
#pragma once

#include "http/client/hub/hub_listing.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace model_server {

/// The checksum of a file of known size, piece by piece.
class blob_digest {
public:
  blob_digest(digest_kind kind, std::uint64_t size);

  void add(std::string_view bytes);

  /// Adds what a file holds so far. Throws `std::system_error`.
  void add_file(const std::filesystem::path& path);

  /// Ends it.
  blob_id finish();

private:
  digest_kind kind_;
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

} // namespace model_server
