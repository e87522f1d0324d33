// Makes small models for the contract: random weights, a scripted module.
#include "tests/models/contract_cases.hpp"

#include "tests/models/letter_tokenizer.hpp"
#include "tests/models/scripted_model.hpp"

#include <fstream>

namespace model_server::testing {

namespace {

namespace fs = std::filesystem;

entry_params named(std::vector<std::pair<std::string, param_value>> values) {
  return {false, std::move(values)};
}

// A Llama of random weights; its tokens are letters.
entry_params random_llama(const fs::path& folder, std::string dtype) {
  for (auto file : {"config.json", "model.safetensors"})
    fs::copy(fs::path{"tests/data/llama/gqa-tied-bf16"} / file, folder);
  std::ofstream{folder / "tokenizer.json"} << letter_tokenizer(99);
  return named({{"path", folder.string()}, {"dtype", std::move(dtype)}});
}

entry_params scripted(const fs::path& folder) {
  auto file = (folder / "model.pt").string();
  save_scripted_model(file, 30);
  std::ofstream{folder / "tokenizer.json"} << letter_tokenizer(30);
  return named({{"path", file}, {"tokenizer", folder.string()}});
}

} // namespace

const std::vector<contract_case>& contract_cases() {
  static const std::vector<contract_case> result{
      {"echo", "echo", [](auto&) { return named({}); }},
      {"fault", "fault",
       [](auto&) {
         return named({{"enable", true}});
       }},
      {"fault_in_bursts", "fault",
       [](auto&) {
         return named({{"enable", true},
                       {"commands", "len=17 burst=4 prompt_steps=3 split@2"}});
       }},
      {"plugin", "plugin",
       [](auto&) {
         return named({{"library", CUSTOM_MODEL}});
       }},
      {"causal_lm_bf16", "causal_lm",
       [](auto& folder) { return random_llama(folder, "bf16"); }},
      {"causal_lm_fp32", "causal_lm",
       [](auto& folder) { return random_llama(folder, "fp32"); }},
      {"causal_lm_tiny_chat", "causal_lm",
       [](auto&) {
         return named({{"path", "models/tiny-chat"}});
       },
       "models/tiny-chat/model.safetensors"},
      {"torch_script", "torch_script", scripted},
  };
  return result;
}

} // namespace model_server::testing
