// How fast the loops for packed matrices are, beside what memory and the
// processor's instructions give. `kernels --help` says how to ask.
#include "limits.hpp"
#include "read_limit.hpp"

#include "models/kernels/packed_product.hpp"
#include "models/kernels/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace model_server;

namespace {

constexpr const char* help =
    R"(usage: kernels [--model 135m|0.5b] [--isa avx512|avx2|portable]
               [--format NAME] [--rows N] [--repeats N]

For each matrix of a model, format, number of rows and threads: microseconds,
the best of --repeats passes (25); for few rows GB/s of weights and their share of what
the best plain loop reads in this run; for many rows billions of operations a
second (two for each weight and row) and their share of what a loop that only
repeats the kernel's instructions does. One pass multiplies with as many copies
of the matrix as exceed the caches. The formats are int8, int4, bf16, q4_k, q6_k,
q5_k, q5_0, q4_1, q5_1 and iq4_nl. The rivals are measured again and again, the
best so far counts: on a busy machine trust neither single figures nor shares.
)";

// Bytes that are read in one pass, by kernels and rivals: more than the caches
// hold.
constexpr std::size_t footprint = std::size_t{128} << 20;

struct shape {
  const char* model;
  const char* name;
  std::size_t outputs, inputs;
};

constexpr shape shapes[] = {
    {"135m", "qkv+out", 576, 576}, {"135m", "gate/up", 1536, 576},
    {"135m", "down", 576, 1536},   {"135m", "head", 49152, 576},
    {"0.5b", "qkv+out", 896, 896}, {"0.5b", "gate/up", 4864, 896},
    {"0.5b", "down", 896, 4864},   {"0.5b", "head", 151936, 896},
};

struct options {
  std::string model = "135m", isa, format;
  std::size_t rows = 0; // all
  int repeats = 25;
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
    if (name == "--model")
      result.model = value;
    else if (name == "--isa")
      result.isa = value;
    else if (name == "--format")
      result.format = value;
    else if (name == "--rows")
      result.rows = static_cast<std::size_t>(std::atoi(value.c_str()));
    else if (name == "--repeats")
      result.repeats = std::max(1, std::atoi(value.c_str()));
    else {
      std::fputs(help, stderr);
      std::exit(2);
    }
  }
  return result;
}

double seconds_of(const std::function<void()>& work) {
  auto begin = std::chrono::steady_clock::now();
  work();
  std::chrono::duration<double> result =
      std::chrono::steady_clock::now() - begin;
  return result.count();
}

double best_seconds(int repeats, const std::function<void()>& work) {
  auto best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i)
    best = std::min(best, seconds_of(work));
  return best;
}

// The best rates of the rivals so far, by number of threads.
struct limits {
  double bytes_a_second[3] = {};

  void measure(const std::byte* data, int repeats) {
    for (int threads : {1, 2}) {
      auto& best = bytes_a_second[threads];
      best = std::max(best, read_rate(data, footprint, threads, repeats));
    }
  }
};

class measurement {
public:
  measurement(const shape& shape, packed_format format,
              const kernel_set& kernels, const huge_memory& memory)
      : kernels_(*kernels.packed),
        weight_{format, memory.data, shape.outputs, shape.inputs},
        bytes_(packed_bytes(format, shape.outputs, shape.inputs)),
        copies_(std::max<std::size_t>(1, std::min(memory.bytes, footprint)
                                             / bytes_)) {
    // One block is made, the others are copied.
    auto block = packed_block_bytes(format, shape.inputs);
    make_block(format, shape.inputs, memory.data);
    auto blocks = copies_ * packed_blocks(shape.outputs);
    for (std::size_t i = 1; i < blocks; ++i)
      std::memcpy(memory.data + i * block, memory.data, block);
  }

  // Of one product, its input made ready as well.
  double seconds(std::size_t rows, int threads, int repeats) {
    std::vector<float> x(rows * weight_.columns, 0.5f);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(i % 17) - 8.0f;
    std::vector<float> y(rows * weight_.rows);
    thread_pool pool{threads};
    packed_input input;
    auto tasks = tasks_of(weight_, rows, threads);
    auto copies = rows > 32 ? 1 : copies_;
    auto pass = [&] {
      for (std::size_t i = 0; i < copies; ++i) {
        auto weight = weight_;
        weight.data += i * bytes_;
        input.reset(kernels_, weight.format, rows, weight.columns);
        pool.run((rows + 7) / 8, [&](std::size_t part) {
          kernels_.prepare(x.data(), weight.columns, input, part * 8,
                           std::min(rows, part * 8 + 8));
        });
        packed_product task{weight, nullptr, &input, y.data(), weight.rows};
        pool.run(tasks, [&](std::size_t part) {
          kernels_.multiply(task, first_block(weight, part, tasks),
                            first_block(weight, part + 1, tasks));
        });
      }
    };
    pass();
    return best_seconds(rows > 32 ? std::max(repeats / 3, 3) : repeats, pass)
           / static_cast<double>(copies);
  }

  double bytes() const {
    return static_cast<double>(bytes_);
  }

private:
  static void make_block(packed_format format, std::size_t inputs,
                         std::byte* to) {
    std::minstd_rand random{7};
    if (can_pack(format)) {
      std::vector<float> numbers(packed_block_rows * inputs);
      for (auto& x : numbers)
        x = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
      return pack_blocks(
          {number_format::f32, numbers.data(), packed_block_rows, inputs},
          format, to, 0, 1);
    }
    // All scales are 1/16 in binary16, or bytes of it.
    auto scales = packed_scales_offset(format, inputs);
    for (std::size_t i = 0; i < packed_block_bytes(format, inputs); ++i)
      to[i] = static_cast<std::byte>(i < scales   ? random() >> 8
                                     : i % 2 == 0 ? 0
                                                  : 0x2C);
  }

  const packed_kernels& kernels_;
  packed_view weight_;
  std::size_t bytes_;
  std::size_t copies_;
};

struct named_format {
  packed_format format;
  const char* name;
};

constexpr named_format formats[] = {
    {packed_format::int8, "int8"}, {packed_format::int4, "int4"},
    {packed_format::bf16, "bf16"}, {packed_format::q4_k, "q4_k"},
    {packed_format::q6_k, "q6_k"}, {packed_format::q5_k, "q5_k"},
    {packed_format::q5_0, "q5_0"}, {packed_format::q4_1, "q4_1"},
    {packed_format::q5_1, "q5_1"}, {packed_format::iq4_nl, "iq4_nl"}};

void print_row(const kernel_set& kernels, const named_format& format,
               const shape& shape, std::size_t rows, int threads,
               double seconds, double bytes, const limits& reading) {
  auto peak =
      operations_a_second(kernels.packed->name, format.format) * threads;
  auto operations =
      2.0 * static_cast<double>(rows * shape.outputs * shape.inputs) / seconds;
  std::printf("%-9s %-6s %-8s %5zu %7d %10.1f %7.1f %7.0f%% %8.0f ",
              kernels.packed->name, format.name, shape.name, rows, threads,
              seconds * 1e6, bytes / seconds / 1e9,
              100.0 * bytes / seconds / reading.bytes_a_second[threads],
              operations / 1e9);
  if (peak > 0.0)
    std::printf("%7.0f%%\n", 100.0 * operations / peak);
  else
    std::printf("%8s\n", "-");
  std::fflush(stdout);
}

void measure(const options& options, const kernel_set& kernels,
             const named_format& format, const shape& shape,
             const huge_memory& memory, const limits& reading) {
  measurement measured{shape, format.format, kernels, memory};
  for (std::size_t rows : {1u, 8u, 32u, 512u})
    for (int threads : {1, 2}) {
      // A prompt needs the scores of its last token only.
      if ((options.rows != 0 && rows != options.rows)
          || (rows == 512 && shape.outputs > 40000))
        continue;
      print_row(kernels, format, shape, rows, threads,
                measured.seconds(rows, threads, options.repeats),
                measured.bytes(), reading);
    }
}

} // namespace

int main(int argc, char** argv) {
  auto options = read_options(argc, argv);
  huge_memory memory{std::size_t{320} << 20};
  limits reading;
  std::printf("%-9s %-6s %-8s %5s %7s %10s %7s %8s %8s %8s\n", "form", "format",
              "matrix", "rows", "threads", "us", "GB/s", "of read", "GOP/s",
              "of peak");
  for (auto kernels : usable_kernels()) {
    if (!options.isa.empty() && options.isa != kernels->name)
      continue;
    for (const auto& format : formats) {
      if (!options.format.empty() && options.format != format.name)
        continue;
      reading.measure(memory.data, 10);
      for (auto& shape : shapes)
        if (shape.model == options.model)
          measure(options, *kernels, format, shape, memory, reading);
    }
  }
  reading.measure(memory.data, 10);
  std::printf("reading: %.1f GB/s with 1 thread, %.1f with 2\n",
              reading.bytes_a_second[1] / 1e9, reading.bytes_a_second[2] / 1e9);
}
