// Checks that marks stay with their bytes, against one mark for each byte.
#include "models/text/marked_text.hpp"

#include <gtest/gtest.h>

#include <random>

namespace model_server {
namespace {

/// The plain way to do it.
struct naive_text {
  std::string bytes;
  std::vector<bool> marks;
};

naive_text slice(const naive_text& text, std::size_t begin, std::size_t end) {
  naive_text result{text.bytes.substr(begin, end - begin), {}};
  for (auto i = begin; i < end; ++i)
    result.marks.push_back(text.marks[i]);
  return result;
}

void expect_same(const marked_text& text, const naive_text& naive) {
  ASSERT_EQ(text.bytes(), naive.bytes);
  for (std::size_t i = 0; i < text.size(); ++i)
    ASSERT_EQ(text.is_trusted_at(i), naive.marks[i]) << i;
  std::string joined;
  auto segments = text.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    EXPECT_FALSE(segments[i].text.empty());
    if (i > 0) {
      EXPECT_NE(segments[i].trusted, segments[i - 1].trusted);
    }
    joined += segments[i].text;
  }
  EXPECT_EQ(joined, naive.bytes);
}

TEST(marked_text_test, agrees_with_one_mark_for_each_byte) {
  std::mt19937 random{1};
  for (int round = 0; round < 200; ++round) {
    marked_text text;
    naive_text naive;
    for (int step = 0; step < 40; ++step) {
      auto begin = random() % (text.size() + 1);
      auto end = begin + random() % (text.size() - begin + 1);
      if (random() % 3 == 0) {
        text = text.slice(begin, end);
        naive = slice(naive, begin, end);
      } else if (random() % 3 == 0) {
        text.append(marked_text{text}, begin, end);
        auto part = slice(naive, begin, end);
        naive.bytes += part.bytes;
        naive.marks.insert(naive.marks.end(), part.marks.begin(),
                           part.marks.end());
      } else {
        std::string bytes(random() % 4, static_cast<char>('a' + random() % 26));
        bool trusted = random() % 2;
        text.append(bytes, trusted);
        naive.bytes += bytes;
        naive.marks.insert(naive.marks.end(), bytes.size(), trusted);
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(text, naive));
      bool all = true;
      for (auto i = begin; i < std::min(end, text.size()); ++i)
        all = all && naive.marks[i];
      EXPECT_EQ(text.is_trusted(begin, std::min(end, text.size())), all);
    }
  }
}

TEST(marked_text_test, compares_bytes_alone) {
  EXPECT_EQ((marked_text{"a", true}), (marked_text{"a", false}));
  EXPECT_FALSE((marked_text{"a", true}) == (marked_text{"b", true}));
}

} // namespace
} // namespace model_server
