// How downloads go on, decided by what the hub answers.
#include "http/client/hub/resume.hpp"

#include "http/client/hub/blob_digest.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

http_head answer(long status, std::map<std::string, std::string> fields = {}) {
  return {status, std::move(fields)};
}

TEST(resume_test, goes_on_only_where_the_file_ends) {
  partial_file file{100, 300};
  auto use_of = [&](const char* range) {
    return use_of_answer(answer(206, {{"content-range", range}}), file);
  };
  EXPECT_EQ(use_of("bytes 100-299/300"), answer_use::append);
  for (auto range :
       {"bytes 0-299/300", "bytes 101-299/300", "bytes 100-298/300",
        "bytes 100-299/301", "bytes 100-299/*", "", "items 100-299/300"})
    EXPECT_EQ(use_of(range), answer_use::ask_anew) << range;
}

TEST(resume_test, begins_anew_when_all_of_it_comes) {
  partial_file file{100, 300};
  EXPECT_EQ(use_of_answer(answer(200, {{"content-length", "300"}}), file),
            answer_use::start_over);
  EXPECT_EQ(use_of_answer(answer(200), file), answer_use::start_over);
  EXPECT_EQ(use_of_answer(answer(200, {{"content-length", "299"}}), file),
            answer_use::refuse);
  EXPECT_EQ(use_of_answer(answer(200, {{"content-length", "-1"}}), file),
            answer_use::refuse);
}

TEST(resume_test, tells_what_may_go_better_later) {
  for (auto status : {408, 429, 500, 502, 503, 504})
    EXPECT_EQ(use_of_answer(answer(status), {}), answer_use::later) << status;
  for (auto status : {0, 204, 301, 400, 401, 403, 404, 410, 451})
    EXPECT_EQ(use_of_answer(answer(status), {}), answer_use::refuse) << status;
  EXPECT_EQ(use_of_answer(answer(416), {5, 9}), answer_use::ask_anew);
  EXPECT_EQ(use_of_answer(answer(416), {0, 9}), answer_use::refuse);
}

TEST(resume_test, asks_for_the_rest_of_the_same_file) {
  EXPECT_THAT(range_fields({0, 9}, "\"tag\""), IsEmpty());
  EXPECT_THAT(range_fields({5, 9}, ""), ElementsAre("Range: bytes=5-"));
  EXPECT_THAT(range_fields({5, 9}, "\"tag\""),
              ElementsAre("Range: bytes=5-", "If-Range: \"tag\""));
  EXPECT_EQ(strong_tag(answer(200, {{"etag", "\"x\""}})), "\"x\"");
  for (auto tag : {"W/\"x\"", "x", "\"\"", ""})
    EXPECT_EQ(strong_tag(answer(200, {{"etag", tag}})), "") << tag;
}

TEST(resume_test, waits_longer_each_time_and_as_long_as_it_is_asked_to) {
  std::vector<int> pauses;
  for (unsigned failures : {1, 2, 3, 4, 5, 6, 7, 1000})
    pauses.push_back(static_cast<int>(retry_pause(failures, {}).count()));
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 30, 30, 30));
  auto asked = [](const char* text) {
    return retry_pause(1, answer(429, {{"retry-after", text}}));
  };
  EXPECT_EQ(asked("7"), seconds{7});
  EXPECT_EQ(asked("0"), seconds{0});
  EXPECT_EQ(asked("99999999999"), seconds{120});
  EXPECT_EQ(asked("Wed, 21 Oct 2015 07:28:00 GMT"), seconds{1});
}

TEST(blob_digest_test, computes_what_git_and_sha256sum_do) {
  blob_digest git{digest_kind::git_sha1, 6};
  git.add("hel");
  git.add("lo\n");
  EXPECT_EQ(git.finish().hex, "ce013625030ba8dba906f756967f9e9ca394464a");
  blob_digest empty{digest_kind::git_sha1, 0};
  EXPECT_EQ(empty.finish().hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  testing::temporary_folder folder;
  blob_digest sha256{digest_kind::sha256, 6};
  sha256.add_file(folder.write("part", "hel"));
  sha256.add("lo\n");
  EXPECT_EQ(sha256.finish().hex,
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

} // namespace
} // namespace model_server
