// The folder of a model while it is fetched, and how it appears.
#include "http/client/hub/pull_folder.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

namespace model_server {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

planned_file file(const std::string& name, std::uint64_t size, char digest) {
  return {name, name, size, {digest_kind::sha256, std::string(64, digest)}};
}

std::string content(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const fs::path& path, std::string_view text) {
  std::ofstream{path} << text;
}

class pull_folder_test : public ::testing::Test {
protected:
  fs::path target() const {
    return base.path() / "org" / "name";
  }

  /// Fetches a model whose files hold their own names.
  void pull(const pull_record& record) const {
    pull_folder folder{target(), record.model};
    folder.prepare(record);
    for (const auto& each : record.files)
      if (!folder.is_whole(each))
        write(folder.place_of(each), each.local);
    folder.finish(record);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& each : fs::recursive_directory_iterator{base.path()})
      if (!each.is_directory())
        result.push_back(each.path().lexically_relative(base.path()).string());
    return result;
  }

  testing::temporary_folder base;
  pull_record first{
      "org/name", "main", "c1", {file("a", 1, 'a'), file("sub/b", 5, 'b')}};
};

TEST_F(pull_folder_test, shows_nothing_until_all_is_there) {
  {
    pull_folder folder{target(), first.model};
    folder.prepare(first);
    write(folder.place_of(first.files[0]), "a");
    write(folder.part_of(first.files[1]), "sub");
    EXPECT_EQ(folder.bytes_there(first.files), 4U);
    EXPECT_FALSE(fs::exists(target()));
  }
  {
    pull_folder again{target(), first.model};
    again.prepare(first);
    EXPECT_TRUE(again.is_whole(first.files[0])) << "what was there stays";
    EXPECT_EQ(again.bytes_there(first.files), 4U);
    fs::rename(again.part_of(first.files[1]), again.place_of(first.files[1]));
    write(again.place_of(first.files[1]), "sub/b");
    again.finish(first);
  }
  EXPECT_THAT(names(), UnorderedElementsAre("org/name/a", "org/name/sub/b",
                                            "org/name/.pulled"));
}

TEST_F(pull_folder_test, keeps_nothing_of_another_commit) {
  {
    pull_folder folder{target(), first.model};
    folder.prepare(first);
    write(folder.part_of(first.files[0]), "");
    write(folder.part_of(first.files[1]), "sub");
  }
  auto changed = first;
  changed.files[1] = file("sub/b", 5, 'x');
  pull_folder folder{target(), first.model};
  folder.prepare(changed);
  EXPECT_TRUE(fs::exists(folder.part_of(changed.files[0])));
  EXPECT_FALSE(fs::exists(folder.part_of(changed.files[1])));
}

TEST_F(pull_folder_test, takes_over_what_has_not_changed) {
  pull(first);
  write(target() / "a", "A"); // the same size: it is taken on trust
  write(target() / "mine.jinja", "template");
  pull_record second{
      "org/name", "main", "c2", {file("a", 1, 'a'), file("c", 1, 'c')}};
  {
    pull_folder folder{target(), second.model};
    EXPECT_TRUE(folder.holds(second.files[0]));
    EXPECT_FALSE(folder.holds(second.files[1]));
    folder.prepare(second);
    EXPECT_TRUE(folder.is_whole(second.files[0]));
    EXPECT_FALSE(folder.is_whole(second.files[1]));
    EXPECT_TRUE(fs::exists(target() / "sub/b")) << "still the old model";
    write(folder.place_of(second.files[1]), "c");
    folder.finish(second);
  }
  EXPECT_THAT(names(),
              UnorderedElementsAre("org/name/a", "org/name/c",
                                   "org/name/mine.jinja", "org/name/.pulled"));
  EXPECT_EQ(content(target() / "a"), "A");
  EXPECT_EQ(content(target() / "mine.jinja"), "template");
  EXPECT_THAT(content(target() / ".pulled"), HasSubstr("c2"));
}

TEST_F(pull_folder_test, fetches_again_what_has_another_size) {
  pull(first);
  write(target() / "sub/b", "short");
  EXPECT_TRUE((pull_folder{target(), "org/name"}.holds(first.files[1])));
  write(target() / "sub/b", "longer than it was");
  EXPECT_FALSE((pull_folder{target(), "org/name"}.holds(first.files[1])));
}

TEST_F(pull_folder_test, leaves_folders_of_others_alone) {
  fs::create_directories(target());
  pull(first); // an empty one will do
  EXPECT_THAT(error_of([&] {
                pull_folder{target(), "org/else"};
              }),
              HasSubstr("holds \"org/name\"; give another folder"));
  fs::remove(target() / ".pulled");
  EXPECT_THAT(error_of([&] {
                pull_folder{target(), "org/name"};
              }),
              HasSubstr("was not made by model_api pull"));
  write(base.path() / "file", "");
  EXPECT_THAT(error_of([&] {
                pull_folder{base.path() / "file", "org/name"};
              }),
              HasSubstr("is no folder"));
  EXPECT_FALSE(fs::exists(base.path() / ".file.pull"));
}

TEST_F(pull_folder_test, is_for_one_process_at_a_time) {
  pull_folder one{target(), "org/name"};
  EXPECT_THAT(error_of([&] {
                pull_folder{target(), "org/name"};
              }),
              HasSubstr("being fetched by another process"));
}

TEST_F(pull_folder_test, goes_where_a_link_leads) {
  fs::create_directories(base.path() / "disk" / "real");
  fs::create_directories(base.path() / "org");
  fs::create_symlink(base.path() / "disk" / "real", target());
  pull(first);
  pull(first);
  EXPECT_TRUE(fs::is_symlink(target()));
  EXPECT_EQ(content(base.path() / "disk" / "real" / "a"), "a");
}

TEST(pull_record_test, reads_what_it_writes) {
  pull_record record{"org/name",
                     "refs/pr/1",
                     std::string(40, 'c'),
                     {file("a b", 12'000'000'000, 'a'),
                      {"x/c.gguf",
                       "c.gguf",
                       0,
                       {digest_kind::git_sha1, std::string(40, 'b')}}}};
  auto text = to_text(record);
  auto read = read_pull_record(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->model, "org/name");
  EXPECT_EQ(read->revision, "refs/pr/1");
  EXPECT_EQ(to_text(*read), text);
  ASSERT_NE(read->find("c.gguf"), nullptr);
  EXPECT_EQ(read->find("c"), nullptr);
}

TEST(pull_record_test, believes_no_other_text) {
  constexpr auto head = "model_api pull 1\nm\nr\nc\n";
  EXPECT_TRUE(read_pull_record(head));
  for (auto text :
       {std::string{}, std::string{"model_api pull 2\nm\nr\nc\n"},
        head + std::string{"md5 a 1 f\n"}, head + std::string{"sha256 a x f\n"},
        head + std::string{"sha256 a 1 ../f\n"},
        head + std::string{"sha256 a 1\n"}, head + std::string{"\n"}})
    EXPECT_FALSE(read_pull_record(text)) << text;
}

} // namespace
} // namespace model_server
