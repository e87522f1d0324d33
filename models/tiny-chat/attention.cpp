// One sequence and one head of keys at a time, everything in the cache.
#include "models/tiny-chat/attention.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace model_server::tiny_chat {

namespace {

constexpr auto half = head_size / 2;
const float scale = 1 / std::sqrt(static_cast<float>(head_size));

/// Reads a head; turns it by its position when there are angles.
template <class T>
void read_head(const T* x, const float* angles, float* y) {
  for (std::int64_t i = 0; i < half; ++i) {
    auto cosine = angles ? angles[i] : 1.0F;
    auto sine = angles ? angles[half + i] : 0.0F;
    y[i] = float(x[i]) * cosine - float(x[half + i]) * sine;
    y[half + i] = float(x[half + i]) * cosine + float(x[i]) * sine;
  }
}

/// Writes the gradient of a head, turned back.
template <class T>
void write_head(const float* dy, const float* angles, T* dx) {
  for (std::int64_t i = 0; i < half; ++i) {
    auto cosine = angles ? angles[i] : 1.0F;
    auto sine = angles ? angles[half + i] : 0.0F;
    dx[i] = T(dy[i] * cosine + dy[half + i] * sine);
    dx[half + i] = T(dy[half + i] * cosine - dy[i] * sine);
  }
}

/// scores[j] = q . column j of `columns` [head_size, length], for j < seen.
void dot_columns(const float* q, const float* columns, float* scores,
                 std::int64_t seen, std::int64_t length) {
  std::fill_n(scores, seen, 0.0F);
  for (std::int64_t d = 0; d < head_size; d += 4) {
    const auto* c = columns + d * length;
    for (std::int64_t j = 0; j < seen; ++j)
      scores[j] += q[d] * c[j] + q[d + 1] * c[length + j]
                   + q[d + 2] * c[2 * length + j]
                   + q[d + 3] * c[3 * length + j];
  }
}

/// y = sum of shares[j] * row j of `rows` [length, head_size], for j < seen.
void sum_rows(const float* shares, const float* rows, float* y,
              std::int64_t seen) {
  float sum[head_size] = {};
  std::int64_t j = 0;
  for (; j + 4 <= seen; j += 4) {
    const auto* r = rows + j * head_size;
    for (std::int64_t d = 0; d < head_size; ++d)
      sum[d] += shares[j] * r[d] + shares[j + 1] * r[head_size + d]
                + shares[j + 2] * r[2 * head_size + d]
                + shares[j + 3] * r[3 * head_size + d];
  }
  for (; j < seen; ++j)
    for (std::int64_t d = 0; d < head_size; ++d)
      sum[d] += shares[j] * rows[j * head_size + d];
  std::copy_n(sum, head_size, y);
}

void softmax(float* scores, std::int64_t count) {
  auto highest = scores[0];
  for (std::int64_t j = 1; j < count; ++j)
    highest = std::max(highest, scores[j]);
  float sum = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    scores[j] = std::exp((scores[j] - highest) * scale);
    sum += scores[j];
  }
  auto factor = 1 / sum;
  for (std::int64_t j = 0; j < count; ++j)
    scores[j] *= factor;
}

/// The head of keys and the head of values of one sequence, as rows and as
/// columns.
struct keys_and_values {
  std::vector<float> keys, values, key_columns, value_columns;

  template <class T>
  void read(const T* x, const float* angles, std::int64_t head,
            const attention_sizes& s) {
    auto size = static_cast<std::size_t>(s.length * head_size);
    for (auto* part : {&keys, &values, &key_columns, &value_columns})
      part->resize(size);
    auto key_at = (s.group * s.kv_heads + head) * head_size;
    auto value_at = key_at + s.kv_heads * head_size;
    for (std::int64_t i = 0; i < s.length; ++i) {
      auto* key = keys.data() + i * head_size;
      auto* value = values.data() + i * head_size;
      read_head(x + i * s.joint() + key_at, angles + i * head_size, key);
      read_head(x + i * s.joint() + value_at, nullptr, value);
      for (std::int64_t d = 0; d < head_size; ++d) {
        key_columns[static_cast<std::size_t>(d * s.length + i)] = key[d];
        value_columns[static_cast<std::size_t>(d * s.length + i)] = value[d];
      }
    }
  }
};

} // namespace

template <class T>
void attend(const T* x, const float* angles, T* y, float* shares,
            const attention_sizes& s) {
  keys_and_values kv;
  float query[head_size], result[head_size];
  for (std::int64_t row = 0; row < s.rows; ++row)
    for (std::int64_t head = 0; head < s.kv_heads; ++head) {
      const auto* from = x + row * s.length * s.joint();
      auto* to = y + row * s.length * s.joined();
      kv.read(from, angles, head, s);
      for (auto q = head * s.group; q < (head + 1) * s.group; ++q)
        for (std::int64_t i = 0; i < s.length; ++i) {
          auto* share = shares;
          shares += s.length;
          read_head(from + i * s.joint() + q * head_size,
                    angles + i * head_size, query);
          dot_columns(query, kv.key_columns.data(), share, i + 1, s.length);
          softmax(share, i + 1);
          sum_rows(share, kv.values.data(), result, i + 1);
          for (std::int64_t d = 0; d < head_size; ++d)
            to[i * s.joined() + q * head_size + d] = T(result[d]);
        }
    }
}

template <class T>
void attend_backward(const T* dy, const T* x, const float* angles,
                     const float* shares, T* dx, const attention_sizes& s) {
  keys_and_values kv;
  float query[head_size], slope[head_size], dquery[head_size];
  std::vector<float> dscores(static_cast<std::size_t>(s.length));
  std::vector<float> dkeys, dvalues;
  auto size = static_cast<std::size_t>(s.length * head_size);
  for (std::int64_t row = 0; row < s.rows; ++row)
    for (std::int64_t head = 0; head < s.kv_heads; ++head) {
      const auto* from = x + row * s.length * s.joint();
      const auto* slopes = dy + row * s.length * s.joined();
      auto* to = dx + row * s.length * s.joint();
      kv.read(from, angles, head, s);
      dkeys.assign(size, 0);
      dvalues.assign(size, 0);
      for (auto q = head * s.group; q < (head + 1) * s.group; ++q)
        for (std::int64_t i = 0; i < s.length; ++i) {
          const auto* share = shares;
          shares += s.length;
          auto at = i * s.joint() + q * head_size;
          read_head(from + at, angles + i * head_size, query);
          read_head(slopes + i * s.joined() + q * head_size, nullptr, slope);
          auto* dscore = dscores.data();
          dot_columns(slope, kv.value_columns.data(), dscore, i + 1, s.length);
          float dot = 0;
          for (std::int64_t j = 0; j <= i; ++j)
            dot += dscore[j] * share[j];
          for (std::int64_t j = 0; j <= i; ++j)
            dscore[j] = (dscore[j] - dot) * share[j] * scale;
          sum_rows(dscore, kv.keys.data(), dquery, i + 1);
          write_head(dquery, angles + i * head_size, to + at);
          for (std::int64_t j = 0; j <= i; ++j)
            for (std::int64_t d = 0; d < head_size; ++d) {
              dkeys[static_cast<std::size_t>(j * head_size + d)] +=
                  dscore[j] * query[d];
              dvalues[static_cast<std::size_t>(j * head_size + d)] +=
                  share[j] * slope[d];
            }
        }
      auto key_at = (s.group * s.kv_heads + head) * head_size;
      auto value_at = key_at + s.kv_heads * head_size;
      for (std::int64_t i = 0; i < s.length; ++i) {
        write_head(dkeys.data() + i * head_size, angles + i * head_size,
                   to + i * s.joint() + key_at);
        write_head(dvalues.data() + i * head_size, nullptr,
                   to + i * s.joint() + value_at);
      }
    }
}

template void attend(const float*, const float*, float*, float*,
                     const attention_sizes&);
template void attend(const short_float*, const float*, short_float*, float*,
                     const attention_sizes&);
template void attend_backward(const float*, const float*, const float*,
                              const float*, float*, const attention_sizes&);
template void attend_backward(const short_float*, const short_float*,
                              const float*, const float*, short_float*,
                              const attention_sizes&);

} // namespace model_server::tiny_chat
