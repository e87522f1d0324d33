// How much memory there is for this process.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace model_server {

/// Bytes that can be had without pushing anybody out: what the machine has
/// available, or less where a control group of this process (a container)
/// allows less. Nothing if the system does not say. `root` is where /proc and
/// /sys are.
std::optional<std::size_t> free_memory(const std::filesystem::path& root = "/");

/// The same if all pages were given up that only mirror files, mapped weights
/// among them. When this is used up the system kills processes.
std::optional<std::size_t>
spare_memory(const std::filesystem::path& root = "/");

/// The same of what it could have if nothing else ran.
std::optional<std::size_t>
total_memory(const std::filesystem::path& root = "/");

} // namespace model_server
