// Fetches a model from a hub.
#include "http/client/hub/pull.hpp"

#include "http/client/byte_text.hpp"
#include "http/client/hub/download.hpp"
#include "http/client/hub/file_choice.hpp"
#include "http/client/hub/hub_client.hpp"
#include "http/client/hub/pull_folder.hpp"
#include "http/client/hub/pull_progress.hpp"
#include "http/client/output.hpp"
#include "http/client/terminal_text.hpp"
#include "config/model_folders.hpp"
#include "models/nets/families/families.hpp"
#include "models/text/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace model_server {

namespace fs = std::filesystem;

namespace {

/// Left free on the disk beyond what is fetched.
constexpr std::uint64_t spare_bytes = 64 << 20;
constexpr std::size_t max_index_bytes = 64 << 20;

// The small ones first: what they say may be reason enough to stop.
std::vector<planned_file> choose(const hub_listing& listing,
                                 const pull_options& options,
                                 const pull_folder& folder, hub_client& hub,
                                 retry_counter& retry) {
  std::vector<std::string> shards;
  if (auto index = choose_index(listing, options.include))
    shards = read_index(
        folder.holds(*index)
            ? read_text_file(folder.target() / index->local, max_index_bytes)
            : download_text(hub, listing.commit, *index, retry));
  auto result = choose_files(listing, options.include, shards);
  std::ranges::stable_sort(result, {}, &planned_file::size);
  return result;
}

void refuse_other_gguf(const pull_folder& folder, const pull_record& wanted) {
  if (!folder.held())
    return;
  for (const auto& file : folder.held()->files)
    if (file.local.ends_with(".gguf") && wanted.find(file.local) == nullptr)
      throw std::runtime_error(fmt::format(
          "{} holds {} already; fetch another .gguf file into a folder of its "
          "own, with --to, or remove that one first",
          folder.target().string(), plain_text(file.local)));
}

bool is_up_to_date(const pull_folder& folder, const pull_record& wanted) {
  return folder.held() && folder.held()->files.size() == wanted.files.size()
         && std::ranges::all_of(wanted.files, [&](const auto& file) {
              return folder.holds(file);
            });
}

void print_plan(const pull_folder& folder, const pull_record& wanted) {
  auto text = fmt::format("{} (revision {}, commit {}) to {}\n", wanted.model,
                          wanted.revision, wanted.commit.substr(0, 12),
                          folder.target().string());
  for (const auto& file : wanted.files)
    text += fmt::format("  {:<10} {}\n", show_bytes(file.size),
                        plain_text(file.local));
  auto total = size_of(wanted.files);
  auto there = folder.bytes_there(wanted.files);
  text += fmt::format("{} files, {}", wanted.files.size(), show_bytes(total));
  if (there > 0)
    text += fmt::format("; {} are here, {} to fetch", show_bytes(there),
                        show_bytes(total - there));
  print_now(text + "\n");
}

void check_space(const pull_folder& folder, std::uint64_t missing) {
  auto free = folder.free_bytes();
  if (missing + spare_bytes > free)
    throw std::runtime_error(
        fmt::format("{} more are needed in {}, and {} are free there",
                    show_bytes(missing + spare_bytes),
                    folder.target().parent_path().string(), show_bytes(free)));
}

// Says so as soon as config.json is there, before the weights come.
void warn_if_not_read(const fs::path& config) {
  try {
    auto document = read_json_file(config);
    read_decoder_spec(document, "config.json");
  } catch (const std::exception& problem) {
    complain(fmt::format("note: a server does not read this model: {}",
                         plain_text(problem.what())));
  }
}

// How a server calls it; empty if it doesn't find it by itself.
std::string served_name(const pull_options& options, const fs::path& target) {
  for (const auto& model : find_model_folders(options.models_folder)) {
    auto path = model.params.bind({"path"}).require_string("path");
    if (auto found = fs::weakly_canonical(path);
        found == target || found.parent_path() == target)
      return model.name;
  }
  return {};
}

void print_result(const pull_options& options, const fs::path& target) {
  auto name = served_name(options, target);
  if (name.empty())
    print_now(
        fmt::format("No server finds it by itself there: name {} as `path` in "
                    "config.json.\n",
                    target.string()));
  else
    print_now(fmt::format("It is served as {}: model_api --models-dir {} "
                          "--model {}\n",
                          name, options.models_folder.string(), name));
}

} // namespace

int pull(const pull_options& options) {
  interrupt_watch watch;
  hub_client hub{options, watch};
  std::unique_ptr<pull_progress> progress;
  retry_counter retry{options.retries, watch, [&](const std::string& text) {
                        progress ? progress->tell(text) : complain(text);
                      }};
  auto listing = hub.list(retry);
  pull_folder folder{options.to, options.model};
  pull_record wanted{options.model, options.revision, listing.commit,
                     choose(listing, options, folder, hub, retry)};
  if (is_up_to_date(folder, wanted)) {
    folder.discard();
    print_now(fmt::format("{} is up to date with {} (commit {})\n",
                          folder.target().string(), wanted.model,
                          wanted.commit.substr(0, 12)));
    print_result(options, folder.target());
    return 0;
  }
  refuse_other_gguf(folder, wanted);
  folder.prepare(wanted);
  print_plan(folder, wanted);
  auto total = size_of(wanted.files);
  auto there = folder.bytes_there(wanted.files);
  check_space(folder, total - there);
  progress = std::make_unique<pull_progress>(total, there);
  for (const auto& file : wanted.files) {
    if (!folder.is_whole(file))
      download(hub, listing.commit, file, folder, retry, *progress);
    if (file.local == "config.json" && wanted.find("modules.json") == nullptr)
      warn_if_not_read(folder.place_of(file));
  }
  progress.reset();
  folder.finish(wanted);
  print_now(fmt::format("{} is in {} ({})\n", wanted.model,
                        folder.target().string(), show_bytes(total)));
  print_result(options, folder.target());
  return 0;
}

} // namespace model_server
