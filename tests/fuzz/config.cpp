// config.json of every family.
#include "tests/fuzz/harness.hpp"

#include "models/nets/families/families.hpp"

namespace model_server::testing {

void try_config(std::string_view file) {
  may_refuse([&] {
    auto document = parse_json_object(file, "config.json");
    auto spec = read_decoder_spec(document, "config.json");
    for_each_tensor(
        spec,
        [](matrix_source& matrix) {
          require(matrix.outputs > 0 && matrix.inputs > 0,
                  "a matrix has rows and columns");
        },
        [](std::string& name) {
          require(!name.empty(), "a tensor has a name");
        });
  });
}

} // namespace model_server::testing
