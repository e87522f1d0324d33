// Answers every question with one of a few answers.
#include "models/entries/batch_entry.hpp"
#include "models/plugin.hpp"

using namespace model_server;

namespace {

class oracle : public batch_entry {
public:
  explicit oracle(const named_params& params)
      : greeting_(params.string_or("greeting", "Hm.")),
        answers_{params.string_or("yes", "Yes."), params.string_or("no", "No."),
                 "Ask again later."} {
  }

protected:
  // All chats that came in since the last step, with what each client asked
  // for. A real model would run them as one batch here.
  std::vector<std::string> answer(std::span<const batch_item> chats) override {
    std::vector<std::string> result;
    for (const auto& chat : chats) {
      // The seed decides, so that the same request gets the same answer, also
      // when another worker has to finish it.
      auto choice = chat.sampling.seed % answers_.size();
      result.push_back(greeting_ + " " + answers_[choice]);
    }
    return result;
  }

private:
  std::string greeting_;
  std::vector<std::string> answers_;
};

} // namespace

namespace model_server {

// Called once for each device, on the worker's own thread. What it throws is
// the reason that `add` gives.
std::unique_ptr<model_entry> make_oracle(const entry_spec& spec) {
  auto params = spec.params.bind({"greeting", "yes", "no"});
  return std::make_unique<oracle>(params);
}

} // namespace model_server

// Only for a plug-in: the library's door.
MODEL_SERVER_PLUGIN(make_oracle)
