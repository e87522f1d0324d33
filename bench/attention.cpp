// How fast attention over the cache is, beside what memory and the processor
// give. `attention --help` says how to ask.
#include "limits.hpp"
#include "read_limit.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/packed_product.hpp"
#include "models/kernels/thread_pool.hpp"
#include "models/nets/attention_plan.hpp"
#include "models/nets/kv_blocks.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace model_server;

namespace {

constexpr const char* help =
    R"(usage: attention [--isa avx512|avx2|portable] [--cache f32|f16|int8]
                 [--heads 9/3x64] [--context N] [--window N] [--threads N]
                 [--repeats N]

For each shape (heads/key heads x numbers of a head), cache and context: one new
token, and the last 512 tokens of the context together. Microseconds of a layer,
the best of --repeats passes (15); for one token GB/s of keys and values and their
share of what the best plain loop reads; for many rows billions of operations a
second (two each for a key and a value) and their share of what a loop that only
repeats multiplications and additions does. One pass for one token goes through as many
layers and sequences as exceed the caches. The reading is measured at the
beginning and the end: on a busy machine trust neither.
)";

constexpr std::size_t footprint = std::size_t{128} << 20;
constexpr std::size_t most_layers = 32;
constexpr std::size_t most_rows = 512;

struct options {
  std::string isa, cache, heads;
  std::size_t context = 0, window = 0;
  int threads = 2, repeats = 15;
};

options read_options(int argc, char** argv) {
  options result;
  for (int i = 1; i < argc; i += 2) {
    std::string name = argv[i];
    if (name == "--help" || i + 1 == argc) {
      std::fputs(help, stdout);
      std::exit(name == "--help" ? 0 : 2);
    }
    std::string value = argv[i + 1];
    auto number = std::max(1, std::atoi(value.c_str()));
    if (name == "--isa")
      result.isa = value;
    else if (name == "--cache")
      result.cache = value;
    else if (name == "--heads")
      result.heads = value;
    else if (name == "--context")
      result.context = static_cast<std::size_t>(number);
    else if (name == "--window")
      result.window = static_cast<std::size_t>(number);
    else if (name == "--threads")
      result.threads = number;
    else if (name == "--repeats")
      result.repeats = number;
    else {
      std::fputs(help, stderr);
      std::exit(2);
    }
  }
  return result;
}

double best_seconds(int repeats, const auto& work) {
  auto best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i) {
    auto begin = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count());
  }
  return best;
}

std::size_t parts_of(std::size_t size, std::size_t of) {
  return (size + of - 1) / of;
}

// Some sequences of equal length, full of keys and values.
class measurement {
public:
  measurement(const kernel_set& kernels, const attention_heads& shape,
              number_format format, std::size_t context, const options& options)
      : kernels_(*kernels.attention),
        shape_(shape),
        context_(context),
        window_(options.window),
        repeats_(options.repeats),
        pool_(options.threads),
        layout_{1, shape.kv_heads, shape.head, format} {
    auto blocks = parts_of(context, kv_block_tokens);
    layout_.layers = std::min(
        parts_of(footprint, blocks * layout_.bytes_of_block()), most_layers);
    copies_ = parts_of(footprint, blocks * layout_.bytes_of_block());
    blocks_ = kv_blocks{layout_, copies_ * blocks};
    for (block_id id = 0; id < copies_ * blocks; ++id)
      addresses_.push_back(blocks_.block(id));
    fill();
  }

  // Bytes of keys and values of a layer that a token sees.
  double bytes() const {
    auto tokens = window_ == 0 ? context_ : std::min(context_, window_);
    return static_cast<double>(layout_.bytes_of_block() / layout_.layers
                               * tokens / kv_block_tokens);
  }

  // Of a layer, for the last tokens of the context.
  double seconds(std::size_t rows) {
    begin(rows);
    auto copies = rows == 1 ? copies_ : 1;
    auto layers = rows == 1 ? layout_.layers : 1;
    auto pass = [&] {
      for (std::size_t c = 0; c < copies; ++c)
        for (std::size_t layer = 0; layer < layers; ++layer)
          run(addresses_.data() + c * (addresses_.size() / copies_), layer);
    };
    pass();
    return best_seconds(rows == 1 ? repeats_ : std::max(repeats_ / 3, 2), pass)
           / static_cast<double>(copies * layers);
  }

  // Of a layer, for the same.
  double operations(std::size_t rows) const {
    double keys = 0.0;
    for (auto limit = context_ - rows + 1; limit <= context_; ++limit)
      keys += static_cast<double>(limit - first_in_window(limit, window_));
    return 4.0 * keys * static_cast<double>(shape_.heads * shape_.head);
  }

private:
  // Scores of about the size that networks have.
  static std::vector<float> numbers(std::size_t count) {
    std::vector<float> result(count);
    for (std::size_t i = 0; i < count; ++i)
      result[i] = std::sin(static_cast<float>(i * i % 9973));
    return result;
  }

  void fill() {
    auto source = numbers(64 * shape_.head);
    for (std::size_t b = 0; b < addresses_.size(); ++b)
      for (std::size_t i = 0; i < layout_.layers * shape_.kv_heads; ++i)
        for (std::size_t slot = 0; slot < kv_block_tokens; ++slot)
          kernels_.store(
              layout_.place(i / shape_.kv_heads, i % shape_.kv_heads),
              source.data() + (b + i) % 8 * shape_.head,
              source.data() + (i + slot) % 64 * shape_.head, addresses_[b],
              slot);
  }

  void begin(std::size_t rows) {
    tokens_.assign(rows, 0);
    net_input input{
        .position = context_ - rows, .blocks = {}, .tokens = tokens_};
    plan_.make(std::span{&input, 1}, shape_,
               static_cast<std::size_t>(pool_.size()), window_);
    auto size = attention_part(layout_.place(0, 0).width());
    parts_.reserve(plan_.parts * size);
    queries_ = numbers(rows * shape_.heads * shape_.head);
    for (auto& x : queries_)
      x *= 2.0f / std::sqrt(static_cast<float>(shape_.head));
    results_.resize(queries_.size());
  }

  attention_row row_of(const attention_piece& piece, std::size_t index) {
    auto token = piece.row + index / piece.heads;
    auto limit = context_ - tokens_.size() + token + 1;
    auto offset =
        (token * shape_.heads + piece.head + index % piece.heads) * shape_.head;
    return {queries_.data() + offset, limit, results_.data() + offset,
            first_in_window(limit, window_)};
  }

  // As paged_attention does it.
  void run(std::byte* const* blocks, std::size_t layer) {
    auto size = attention_part(layout_.place(0, 0).width());
    pool_.run(plan_.pieces.size(), [&](std::size_t index) {
      auto& piece = plan_.pieces[index];
      attention_row rows[max_attention_rows];
      for (std::size_t i = 0; i < piece.rows(); ++i)
        rows[i] = row_of(piece, i);
      attention_task task{blocks,
                          layout_.place(layer, piece.head / shape_.group()),
                          rows, piece.rows()};
      thread_local aligned_floats scratch;
      scratch.reserve(attention_scratch(task.place.width()));
      auto parts =
          parts_.data() + (piece.parts + piece.begin - piece.first) * size;
      if (piece.is_whole())
        kernels_.attend(task, scratch.data());
      else
        kernels_.attend_chunks(task, piece.begin, piece.end, parts,
                               piece.chunks, scratch.data());
    });
    for (auto index : plan_.cut) {
      auto& piece = plan_.pieces[index];
      for (std::size_t i = 0; i < piece.rows(); ++i) {
        auto row = row_of(piece, i);
        auto first = first_attention_chunk(row.first);
        kernels_.merge(
            parts_.data()
                + (piece.parts + i * piece.chunks + first - piece.first) * size,
            attention_chunks(row.limit) - first, nullptr, shape_.head,
            row.result);
      }
    }
  }

  const attention_kernels& kernels_;
  attention_heads shape_;
  std::size_t context_, window_;
  int repeats_;
  thread_pool pool_;
  kv_layout layout_;
  kv_blocks blocks_;
  std::size_t copies_ = 0;
  std::vector<std::byte*> addresses_;
  // Of the rows that are measured.
  std::vector<token_id> tokens_;
  attention_plan plan_;
  std::vector<float> queries_, results_;
  aligned_floats parts_;
};

struct shape {
  const char* name;
  attention_heads heads;
};

constexpr shape shapes[] = {{"9/3x64", {9, 3, 64}},
                            {"14/2x64", {14, 2, 64}},
                            {"32/8x128", {32, 8, 128}}};

constexpr std::pair<const char*, number_format> caches[] = {
    {"f32", number_format::f32},
    {"f16", number_format::f16},
    {"int8", number_format::i8}};

void measure(const kernel_set& kernels, const shape& shape, const char* cache,
             number_format format, std::size_t context, double reading,
             const options& options) {
  measurement measured{kernels, shape.heads, format, context, options};
  auto rows = std::min(context, most_rows);
  auto one = measured.seconds(1);
  auto many = measured.seconds(rows);
  auto rate = measured.operations(rows) / many;
  auto peak = operations_a_second(kernels.packed->name, packed_format::bf16)
              * options.threads;
  std::printf("%-9s %-9s %-5s %7zu %9.1f %6.1f %7.0f%% %10.0f %8.0f ",
              kernels.name, shape.name, cache, context, one * 1e6,
              measured.bytes() / one / 1e9,
              100.0 * measured.bytes() / one / reading, many * 1e6, rate / 1e9);
  if (peak > 0.0)
    std::printf("%7.0f%%\n", 100.0 * rate / peak);
  else
    std::printf("%8s\n", "-");
  std::fflush(stdout);
}

double read_rate_now(int threads) {
  huge_memory memory{2 * footprint};
  return read_rate(memory.data, memory.bytes, threads, 10);
}

} // namespace

int main(int argc, char** argv) {
  auto options = read_options(argc, argv);
  auto reading = read_rate_now(options.threads);
  std::printf("%-9s %-9s %-5s %7s %9s %6s %8s %10s %8s %8s\n", "form", "heads",
              "cache", "context", "one, us", "GB/s", "of read", "many, us",
              "GFLOP/s", "of peak");
  for (auto kernels : usable_kernels())
    for (auto& shape : shapes)
      for (auto& [cache, format] : caches)
        for (std::size_t context : {128u, 512u, 2048u, 8192u})
          if ((options.isa.empty() ? kernels == usable_kernels().front()
                                   : options.isa == kernels->name)
              && (options.heads.empty() || options.heads == shape.name)
              && (options.cache.empty() || options.cache == cache)
              && (options.context == 0 || options.context == context))
            measure(*kernels, shape, cache, format, context, reading, options);
  std::printf("reading: %.1f GB/s at the beginning, %.1f at the end\n",
              reading / 1e9, read_rate_now(options.threads) / 1e9);
}
