// Finds the models that lie in a folder, each in a folder of its own.
#pragma once

#include "config/settings.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace model_server {

/// The sub-folders of `folder`, and of those without a model the folders in
/// them (`org/model`), that hold a Hugging Face `config.json` or a .gguf file,
/// and the .gguf files in `folder` itself. Each becomes a model of its relative
/// name, run by `causal_lm`, or by `embedding` if it has the `modules.json` of
/// sentence-transformers; where a folder has several .gguf files, each
/// becomes one of its own, `folder/file`. Sorted by name; what has no model
/// name is passed over.
std::vector<model_setting>
find_model_folders(const std::filesystem::path& folder);

/// Where models are looked for when no option says so, as far as it is there:
/// in `models` of the working directory, else of the tree the program was built
/// in; of an installed program in what the machine has added, and in what came
/// with it. What an earlier folder has counts.
std::vector<std::filesystem::path>
usual_models_folders(const std::filesystem::path& working_directory,
                     const std::filesystem::path& program,
                     const std::filesystem::path& root = "/");

/// The folder that an option names, which must be there and open to us. Throws
/// `config_error`.
std::filesystem::path
given_models_folder(const std::filesystem::path& working_directory,
                    const std::string& given);

} // namespace model_server
