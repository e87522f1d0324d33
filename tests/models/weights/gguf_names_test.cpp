// Checks what tensors are called in GGUF files against names of gguf-py.
#include "models/weights/gguf_names.hpp"
#include "models/weights/gguf_traits.hpp"

#include "models/text/json_document.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <vector>

using namespace model_server;

TEST(gguf_names_test, tensors_are_called_as_gguf_py_calls_them) {
  std::ifstream file{"tests/data/gguf/names.jsonl"};
  std::set<std::string> architectures;
  for (std::string line; std::getline(file, line);) {
    json_document document{line, "names.jsonl"};
    auto& row = document.root();
    std::string architecture{text_of(row[0])}, published{text_of(row[1])};
    auto place = find_gguf_place(architecture, published);
    EXPECT_EQ(place ? place->name : "none", text_of(row[2]))
        << architecture << ": " << published;
    auto is_expert = published.find("experts.5.") != std::string::npos;
    EXPECT_EQ(place ? place->expert : std::nullopt,
              is_expert ? std::optional<std::uint64_t>{5} : std::nullopt);
    EXPECT_NE(find_gguf_traits(architecture), nullptr) << architecture;
    architectures.insert(architecture);
  }
  EXPECT_EQ(architectures.size(), 27u);
}

TEST(gguf_names_test, names_that_a_model_does_not_have_lie_nowhere) {
  for (auto name : {"", "model", "model.layers.q.mlp.gate_proj.weight",
                    "model.layers.3.mlp.experts.gate_up_proj_blocks",
                    "model.layers.99999999999999999999999.mlp.gate.weight"})
    EXPECT_EQ(find_gguf_place("llama", name), std::nullopt) << name;
  EXPECT_EQ(find_gguf_place("qwen2", "model.layers.0.mlp.fc1.weight"),
            std::nullopt);
  EXPECT_EQ(find_gguf_traits("clip"), nullptr);
}

TEST(gguf_names_test, rows_of_rope_are_permuted_as_converters_do) {
  // Two heads of 6: halves 0 1 2 and 3 4 5 become 0 3 1 4 2 5.
  std::vector<std::size_t> file(12);
  for (std::size_t row = 0; row < 12; ++row)
    file[permuted_rope_row(row, 6)] = row;
  EXPECT_EQ(file,
            (std::vector<std::size_t>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}));
}
