// Memory for vectors of floats.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace model_server {

/// Floats that begin at a cache line. Grows without keeping what it holds.
class aligned_floats {
public:
  static constexpr std::size_t alignment = 64;

  aligned_floats() = default;
  /// All 0.
  explicit aligned_floats(std::size_t size) {
    reserve(size);
    for (std::size_t i = 0; i < size; ++i)
      data_[i] = 0.0f;
  }

  /// Makes room for at least `size` floats of any value.
  void reserve(std::size_t size) {
    if (size <= size_)
      return;
    data_.reset(static_cast<float*>(
        ::operator new[](size * sizeof(float), std::align_val_t{alignment})));
    size_ = size;
  }

  float* data() {
    return data_.get();
  }
  const float* data() const {
    return data_.get();
  }

private:
  struct release {
    void operator()(float* data) const {
      ::operator delete[](data, std::align_val_t{alignment});
    }
  };
  std::unique_ptr<float[], release> data_;
  std::size_t size_ = 0;
};

} // namespace model_server
