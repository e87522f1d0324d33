// Scripts a module whose scores depend on the end of the text.
#include "tests/models/scripted_model.hpp"

#include <fmt/format.h>
#include <torch/script.h>

namespace model_server::testing {

void save_scripted_model(const std::string& path, int vocabulary) {
  torch::jit::Module module{"scripted"};
  module.define(fmt::format(R"(
def forward(self, ids):
    before = torch.roll(ids, 1, 1)
    mixed = (ids * 7 + before * 13).unsqueeze(2)
    place = torch.arange({}).view(1, 1, -1)
    return 3.0 * torch.sin((mixed * (place + 1)).double())
)",
                            vocabulary));
  module.save(path);
}

} // namespace model_server::testing
