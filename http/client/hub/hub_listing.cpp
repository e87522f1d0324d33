// Reads the JSON in which hubs list files.
#include "http/client/hub/hub_listing.hpp"

#include "models/text/json_node.hpp"

#include <set>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t most_files = 100'000;

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size
         && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::uint64_t read_size(const json_node& size) {
  auto result = size.integer();
  if (result < 0)
    size.fail("is negative");
  return static_cast<std::uint64_t>(result);
}

std::string read_hex(const json_node& object, const char* key,
                     std::size_t size) {
  auto found = object.find(key);
  if (!found)
    return {};
  if (!is_hex(found->text(), size))
    found->fail("is no checksum");
  return std::string{found->text()};
}

// Large files have a checksum of their own, the others that of git.
hub_file read_file(const json_node& file) {
  hub_file result;
  result.name = file.get("rfilename").text();
  if (auto large = file.find("lfs")) {
    result.size = read_size(large->get("size"));
    result.id = {digest_kind::sha256, read_hex(*large, "sha256", 64)};
  } else if (auto size = file.find("size")) {
    result.size = read_size(*size);
    result.id = {digest_kind::git_sha1, read_hex(file, "blobId", 40)};
  }
  return result;
}

} // namespace

hub_listing read_hub_listing(const std::string& body) {
  constexpr auto origin = "the hub's list of files";
  json_document document{body, origin};
  json_node root{document.root(), origin};
  hub_listing result;
  auto commit = root.get("sha");
  result.commit = commit.text();
  if (!is_hex(result.commit, 40))
    commit.fail("is no commit");
  auto files = root.get("siblings");
  auto items = files.items();
  if (items.size() > most_files)
    files.fail("is longer than any model's");
  std::set<std::string> names;
  for (const auto& item : items) {
    auto file = read_file(item);
    if (!names.insert(file.name).second)
      item.fail("is listed twice");
    result.files.push_back(std::move(file));
  }
  return result;
}

} // namespace model_server
