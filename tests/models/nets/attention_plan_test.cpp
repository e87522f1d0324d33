#include "models/nets/attention_plan.hpp"

#include "models/kernels/attention.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace model_server {
namespace {

class attention_plan_test : public testing::Test {
protected:
  // A sequence with `position` tokens stored reads so many more.
  void add(std::size_t position, std::size_t tokens) {
    tokens_.emplace_back(tokens);
    positions_.push_back(position);
  }

  void make(const attention_heads& shape, std::size_t threads,
            std::size_t window = 0) {
    window_ = window;
    inputs_.clear();
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      inputs_.push_back(
          {.position = positions_[i], .blocks = {}, .tokens = tokens_[i]});
    plan_.make(inputs_, shape, threads, window);
  }

  // Every head of every row meets every chunk that it sees, once, and no piece
  // has a chunk that none of its rows sees.
  void expect_complete(const attention_heads& shape) {
    std::map<std::tuple<std::size_t, std::size_t, std::size_t>, int> met;
    for (const auto& piece : plan_.pieces)
      for (auto row = piece.row; row < piece.row + piece.tokens; ++row)
        for (auto head = piece.head; head < piece.head + piece.heads; ++head)
          for (auto chunk = piece.begin; chunk < piece.end; ++chunk)
            ++met[{row, head, chunk}];
    std::size_t row = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      for (std::size_t t = 0; t < tokens_[i].size(); ++t, ++row)
        for (std::size_t head = 0; head < shape.heads; ++head)
          for (auto chunk = first_chunk(positions_[i] + t + 1);
               chunk < attention_chunks(positions_[i] + t + 1); ++chunk)
            ASSERT_EQ((met[{row, head, chunk}]), 1)
                << "row " << row << ", head " << head << ", chunk " << chunk;
    for (const auto& piece : plan_.pieces) {
      auto before = std::accumulate(
          tokens_.begin(),
          tokens_.begin() + static_cast<std::ptrdiff_t>(piece.input),
          std::size_t{0}, [](auto sum, auto& of) { return sum + of.size(); });
      auto position = positions_[piece.input] + piece.row - before;
      EXPECT_EQ(piece.first, first_chunk(position + 1));
      EXPECT_EQ(piece.first + piece.chunks,
                attention_chunks(position + piece.tokens));
    }
  }

  std::size_t first_chunk(std::size_t limit) const {
    return first_attention_chunk(first_in_window(limit, window_));
  }

  // A piece is one call of the kernels: of one sequence and one key head.
  void expect_callable(const attention_heads& shape) {
    for (const auto& piece : plan_.pieces) {
      EXPECT_GT(piece.rows(), 0u);
      EXPECT_LE(piece.rows(), max_attention_rows);
      EXPECT_LT(piece.begin, piece.end);
      EXPECT_LE(piece.first, piece.begin);
      EXPECT_LE(piece.end, piece.first + piece.chunks);
      EXPECT_EQ(piece.head / shape.group(),
                (piece.head + piece.heads - 1) / shape.group());
      std::size_t first = 0;
      for (std::size_t i = 0; i < piece.input; ++i)
        first += tokens_[i].size();
      EXPECT_GE(piece.row, first);
      EXPECT_LE(piece.row + piece.tokens, first + tokens_[piece.input].size());
    }
  }

  // Those that were cut have parts of their own, and are put together once.
  void expect_parts() {
    std::set<std::size_t> places, merged;
    for (const auto& piece : plan_.pieces)
      if (!piece.is_whole())
        for (std::size_t r = 0; r < piece.rows(); ++r)
          for (auto chunk = piece.begin; chunk < piece.end; ++chunk) {
            auto place = piece.parts + r * piece.chunks + chunk - piece.first;
            EXPECT_LT(place, plan_.parts);
            EXPECT_TRUE(places.insert(place).second) << place;
          }
    EXPECT_EQ(places.size(), plan_.parts);
    std::size_t parts = 0;
    for (auto index : plan_.cut) {
      const auto& piece = plan_.pieces.at(index);
      EXPECT_EQ(piece.begin, piece.first);
      EXPECT_FALSE(piece.is_whole());
      EXPECT_TRUE(merged.insert(piece.parts).second);
      parts += piece.rows() * piece.chunks;
    }
    EXPECT_EQ(parts, plan_.parts);
  }

  std::vector<std::vector<token_id>> tokens_;
  std::vector<std::size_t> positions_;
  std::vector<net_input> inputs_;
  std::size_t window_ = 0;
  attention_plan plan_;
};

TEST_F(attention_plan_test, one_thread_cuts_nothing) {
  add(5000, 1);
  add(0, 300);
  make({9, 3, 64}, 1);
  EXPECT_TRUE(std::ranges::all_of(plan_.pieces, &attention_piece::is_whole));
  EXPECT_EQ(plan_.parts, 0u);
  EXPECT_TRUE(plan_.cut.empty());
}

TEST_F(attention_plan_test, a_long_sequence_is_cut_for_several_threads) {
  add(5000, 1);
  make({9, 3, 64}, 2);
  EXPECT_GT(plan_.pieces.size(), 3u);
  EXPECT_EQ(plan_.cut.size(), 3u); // once a key head
}

TEST_F(attention_plan_test, the_heads_of_a_key_head_share_a_task) {
  add(10, 1);
  make({9, 3, 64}, 1);
  ASSERT_EQ(plan_.pieces.size(), 3u);
  for (const auto& piece : plan_.pieces)
    EXPECT_EQ(piece.rows(), 3u);
}

TEST_F(attention_plan_test, what_sees_most_comes_first) {
  add(0, 600);
  make({8, 8, 64}, 1);
  EXPECT_TRUE(std::ranges::is_sorted(plan_.pieces, std::greater{},
                                     &attention_piece::chunks));
}

TEST_F(attention_plan_test, a_window_leaves_out_what_lies_before_it) {
  EXPECT_EQ(first_in_window(100, 0), 0u);
  EXPECT_EQ(first_in_window(100, 100), 0u);
  EXPECT_EQ(first_in_window(101, 100), 1u);
  add(5000, 1);
  make({9, 3, 64}, 1, 512);
  ASSERT_EQ(plan_.pieces.size(), 3u);
  for (const auto& piece : plan_.pieces) {
    EXPECT_TRUE(piece.is_whole());
    EXPECT_EQ(piece.begin, 4489u / attention_chunk);
    EXPECT_EQ(piece.end, 20u);
    EXPECT_EQ(piece.chunks, 3u);
  }
}

TEST_F(attention_plan_test, a_new_plan_replaces_the_old_one) {
  add(5000, 1);
  make({9, 3, 64}, 2);
  tokens_.clear();
  positions_.clear();
  add(0, 1);
  make({9, 3, 64}, 2);
  EXPECT_EQ(plan_.pieces.size(), 3u);
  EXPECT_EQ(plan_.parts, 0u);
  EXPECT_TRUE(plan_.cut.empty());
}

TEST_F(attention_plan_test, random_passes_are_cut_without_rest_or_overlap) {
  std::mt19937 random{7};
  auto draw = [&](std::size_t least, std::size_t most) {
    return std::uniform_int_distribution{least, most}(random);
  };
  for (int pass = 0; pass < 60; ++pass) {
    SCOPED_TRACE(pass);
    tokens_.clear();
    positions_.clear();
    for (auto n = draw(1, 5); n > 0; --n)
      add(draw(0, 1) * draw(0, 3000), draw(0, 1) == 0 ? 1 : draw(1, 70));
    auto kv_heads = draw(1, 3);
    // Groups as large as a call of the kernels, and larger.
    attention_heads shape{kv_heads * std::size_t{1} << draw(0, 6), kv_heads,
                          64};
    make(shape, draw(1, 4), draw(0, 1) * draw(1, 1500));
    expect_complete(shape);
    expect_callable(shape);
    expect_parts();
  }
}

} // namespace
} // namespace model_server
