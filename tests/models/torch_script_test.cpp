// Tests the entry torch_script on modules that are scripted here.
#include "tests/models/letter_tokenizer.hpp"
#include "tests/models/one_reply.hpp"
#include "tests/models/temporary_folder.hpp"

#include "models/model_catalog.hpp"

#include <gmock/gmock.h>
#include <torch/script.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr sampling_params greedy{.temperature = 0.0};

class torch_script_test : public ::testing::Test {
protected:
  torch_script_test() {
    folder.write("tokenizer.json", letter_tokenizer(30));
  }

  // Saves a module with this body of `forward(self, ids)`.
  void script(const std::string& body) {
    torch::jit::Module module{"scripted"};
    module.define("def forward(self, ids):\n" + body);
    module.save(file());
  }

  std::string file() const {
    return (folder.path() / "model.pt").string();
  }

  std::unique_ptr<model_entry> load(const std::string& device = "cpu") const {
    entry_spec spec{{.positional = false,
                     .values = {{"path", file()},
                                {"tokenizer", folder.path().string()},
                                {"context_length", std::int64_t{64}}}},
                    device};
    auto result = make_entry("torch_script", spec);
    result->use_threads(1);
    return result;
  }

  std::string refusal(const std::string& device = "cpu") const {
    return error_of([&] { load(device); });
  }

  temporary_folder folder;
};

// The letter after the last one; after `z` the end token.
constexpr auto next_letter = R"(
    following = torch.where(ids == 29, torch.full_like(ids, 2), ids + 1)
    return 5.0 * torch.one_hot(following, 30)
)";

} // namespace

TEST_F(torch_script_test, a_module_says_what_comes_next) {
  script(next_letter);
  auto entry = load();
  reply one{*entry, 1, "uvw", greedy};
  finish(*entry, one, 4);
  EXPECT_THAT(one.made(), ElementsAre(27, 28, 29, 2));
  EXPECT_EQ(entry->decode(27, true), "x");
}

TEST_F(torch_script_test, rows_of_a_batch_are_read_apart) {
  script(next_letter);
  auto entry = load();
  reply first{*entry, 1, "abcdef", greedy};
  reply second{*entry, 2, "k", greedy};
  sequence* batch[] = {&first.state, &second.state};
  entry->step(batch);
  entry->step(batch);
  EXPECT_THAT(first.made(), ElementsAre(10, 11));
  EXPECT_THAT(second.made(), ElementsAre(15, 16));
}

TEST_F(torch_script_test, scores_may_lack_the_batch_or_stand_in_a_tuple) {
  script("    return (5.0 * torch.one_hot(ids[0] + 1, 30).double(), "
         "ids)\n");
  auto entry = load();
  reply one{*entry, 1, "a", greedy};
  finish(*entry, one, 1);
  EXPECT_THAT(one.made(), ElementsAre(5));
}

TEST_F(torch_script_test, scores_that_are_no_numbers_end_their_reply_alone) {
  script(R"(
    scores = 1.0 * torch.one_hot(ids + 1, 40)
    if int(ids[0, -1]) == 7:
        scores = scores / 0.0
    return scores
)");
  auto entry = load();
  reply well{*entry, 1, "a", greedy};
  reply ill{*entry, 2, "d", greedy};
  sequence* batch[] = {&ill.state, &well.state};
  entry->step(batch);
  EXPECT_THAT(ill.state.failure, HasSubstr("no numbers for token 1"));
  EXPECT_EQ(ill.state.reply_size(), 0u);
  EXPECT_EQ(well.state.failure, "");
  EXPECT_THAT(well.made(), ElementsAre(5));
}

TEST_F(torch_script_test, settings_stand_beside_the_tokenizer) {
  script(next_letter);
  folder.write("generation_config.json",
               R"({"eos_token_id":2,"do_sample":false})");
  auto info = load()->info();
  EXPECT_EQ(info.context_length, 64u);
  EXPECT_THAT(info.end_tokens, ElementsAre(2));
  EXPECT_EQ(info.defaults.temperature, 0.0);
}

TEST_F(torch_script_test, what_does_not_load_says_why) {
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("model.pt"), HasSubstr("there is no such file")));
  folder.write("model.pt", "no archive");
  EXPECT_THAT(refusal(), HasSubstr("not a TorchScript file"));
  script("    return ids + 1\n");
  EXPECT_THAT(refusal(), HasSubstr("not a row of scores for each"));
  script("    return 1.0 * torch.one_hot(ids, 10)\n");
  EXPECT_THAT(refusal(),
              HasSubstr("gives 10 scores, the tokenizer has 30 tokens"));
  script("    return int(ids[0, 0])\n");
  EXPECT_THAT(refusal(), HasSubstr("returns no tensor"));
  script(next_letter);
  EXPECT_THAT(refusal("cuda:99"), HasSubstr("no device `cuda:99`"));
  EXPECT_EQ(refusal("virtual:0"), "");
}
