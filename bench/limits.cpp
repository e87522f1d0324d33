// Plain loops that do nothing but read, or nothing but multiply.
#include "limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using model_server::packed_format;

namespace {

volatile std::uint64_t sink;

#if defined(__x86_64__)
template <std::size_t Streams>
__attribute__((target("avx2"))) void read_widely(const std::byte* data,
                                                 std::size_t bytes) {
  auto each = bytes / Streams;
  __m256i sums[2 * Streams] = {};
  for (std::size_t i = 0; i < each; i += 64)
#pragma GCC unroll 16
    for (std::size_t s = 0; s < Streams; ++s) {
      auto at = reinterpret_cast<const __m256i*>(data + s * each + i);
      sums[2 * s] = _mm256_xor_si256(sums[2 * s], _mm256_load_si256(at));
      sums[2 * s + 1] =
          _mm256_xor_si256(sums[2 * s + 1], _mm256_load_si256(at + 1));
    }
  auto all = _mm256_setzero_si256();
  for (auto& sum : sums)
    all = _mm256_xor_si256(all, sum);
  sink = static_cast<std::uint64_t>(_mm256_extract_epi64(all, 0));
}
#endif

template <std::size_t Streams>
void read_streams(const std::byte* data, std::size_t bytes) {
  auto each = bytes / Streams;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2"))
    return read_widely<Streams>(data, bytes);
  __m128i sums[4] = {};
  for (std::size_t i = 0; i < each; i += 64)
    for (std::size_t s = 0; s < Streams; ++s) {
      auto at = reinterpret_cast<const __m128i*>(data + s * each + i);
      for (int j = 0; j < 4; ++j)
        sums[j] = _mm_xor_si128(sums[j], _mm_load_si128(at + j));
    }
  auto all = _mm_xor_si128(_mm_xor_si128(sums[0], sums[1]),
                           _mm_xor_si128(sums[2], sums[3]));
  sink = static_cast<std::uint64_t>(_mm_cvtsi128_si64(all));
#else
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < each; i += 8)
    for (std::size_t s = 0; s < Streams; ++s)
      sum ^= *reinterpret_cast<const std::uint64_t*>(data + s * each + i);
  sink = sum;
#endif
}

#if defined(__x86_64__)

constexpr long repeats = 400000;

// The instructions stand in assembly, so that nothing is moved or left out; the
// registers hold 0. Each returns its operations.
#define MODEL_SERVER_EIGHT(text)                                               \
  text(0) text(1) text(2) text(3) text(4) text(5) text(6) text(7)
#define MODEL_SERVER_TOUCHED                                                   \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",      \
      "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

__attribute__((target("avx2,fma"))) double avx2_int8() {
#define STEP(n)                                                                \
  "vpsignb %%ymm8, %%ymm9, %%ymm11\n vpmaddubsw %%ymm11, %%ymm9, %%ymm11\n"    \
  "vpmaddwd %%ymm10, %%ymm11, %%ymm11\n vpaddd %%ymm11, %%ymm" #n ", %%ymm" #n \
  "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP)::: MODEL_SERVER_TOUCHED);
#undef STEP
  return 8.0 * 64.0 * repeats;
}

__attribute__((target("avx2,fma"))) double avx2_int4() {
#define STEP(n)                                                                \
  "vpmaddubsw %%ymm8, %%ymm9, %%ymm11\n"                                       \
  "vpaddw %%ymm11, %%ymm" #n ", %%ymm" #n "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP)::: MODEL_SERVER_TOUCHED);
#undef STEP
  return 8.0 * 64.0 * repeats;
}

__attribute__((target("avx2,fma"))) double avx2_pairs() {
#define STEP(n)                                                                \
  "vpmaddubsw %%ymm8, %%ymm9, %%ymm11\n vpmaddubsw %%ymm8, %%ymm9, %%ymm12\n"  \
  "vpaddw %%ymm11, %%ymm12, %%ymm11\n vpmaddwd %%ymm10, %%ymm11, %%ymm11\n"    \
  "vpaddd %%ymm11, %%ymm" #n ", %%ymm" #n "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP)::: MODEL_SERVER_TOUCHED);
#undef STEP
  return 8.0 * 128.0 * repeats;
}

__attribute__((target("avx2,fma"))) double avx2_bf16() {
#define STEP(n) "vfmadd231ps %%ymm8, %%ymm9, %%ymm" #n "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP)::: MODEL_SERVER_TOUCHED);
#undef STEP
  return 8.0 * 16.0 * repeats;
}

__attribute__((target("avx512f,avx512vnni"))) double avx512_bytes() {
#define STEP(n) "vpdpbusd %%zmm8, %%zmm9, %%zmm" #n "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP) MODEL_SERVER_EIGHT(STEP)::
                     : MODEL_SERVER_TOUCHED);
#undef STEP
  return 16.0 * 128.0 * repeats;
}

__attribute__((target("avx512f"))) double avx512_bf16() {
#define STEP(n) "vfmadd231ps %%zmm8, %%zmm9, %%zmm" #n "\n"
  asm volatile("vzeroall" ::: MODEL_SERVER_TOUCHED);
  for (long i = 0; i < repeats; ++i)
    asm volatile(MODEL_SERVER_EIGHT(STEP) MODEL_SERVER_EIGHT(STEP)::
                     : MODEL_SERVER_TOUCHED);
#undef STEP
  return 16.0 * 32.0 * repeats;
}

#endif

using loop = double (*)();

loop loop_of(std::string_view form, packed_format format) {
#if defined(__x86_64__)
  if (form == "avx512")
    return format == packed_format::bf16 ? avx512_bf16 : avx512_bytes;
  if (form == "avx2")
    switch (format) {
    case packed_format::bf16:
      return avx2_bf16;
    case packed_format::int8:
    case packed_format::iq4_nl:
      return avx2_int8;
    case packed_format::int4:
    case packed_format::q4_1:
    case packed_format::q4_k:
      return avx2_int4;
    default:
      return avx2_pairs;
    }
#endif
  static_cast<void>(form);
  static_cast<void>(format);
  return nullptr;
}

} // namespace

void read_all(const std::byte* data, std::size_t bytes, std::size_t streams) {
  switch (streams) {
  case 1:
    return read_streams<1>(data, bytes);
  case 4:
    return read_streams<4>(data, bytes);
  default:
    return read_streams<8>(data, bytes);
  }
}

double operations_a_second(std::string_view form, packed_format format) {
  static std::map<std::pair<std::string, packed_format>, double> known;
  auto& best = known[{std::string{form}, format}];
  auto measured = loop_of(form, format);
  if (measured == nullptr || best > 0.0)
    return best;
  for (int i = 0; i < 40; ++i) {
    auto begin = std::chrono::steady_clock::now();
    auto operations = measured();
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best, operations / seconds.count());
  }
  return best;
}
