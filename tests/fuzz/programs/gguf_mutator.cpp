// Changes GGUF files piece by piece, so that counts, lengths and offsets mostly
// fit and what lies behind the checks of these is reached.
#include "tests/fuzz/programs/gguf_pieces.hpp"
#include "tests/fuzz/programs/mutation.hpp"

#include <array>

namespace model_server::testing {

namespace {

constexpr std::array<std::uint64_t, 16> numbers{
    0,  1,   2,   3,    4,     8,       16,         32,
    64, 255, 256, 4096, 65535, 1 << 24, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF};

// Types that are read, and one that is not.
constexpr std::array<std::uint32_t, 18> types{
    0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 24, 30, 39, 9};

class changer {
public:
  changer(gguf_pieces& pieces, chance& random)
      : pieces_(pieces), random_(random) {
  }

  void change() {
    if (!pieces_.tensors.empty() && random_.one_in(3))
      change_list(pieces_.tensors, [this](auto& tensor) { change(tensor); });
    else if (random_.one_in(16))
      mutate(pieces_.data);
    else
      change_list(pieces_.pairs, [this](auto& pair) { change(pair); });
  }

private:
  // One of a list goes, comes twice, moves, or is changed.
  template <class List, class Change>
  void change_list(List& list, Change change) {
    if (list.empty())
      return;
    auto at = random_.below(list.size());
    auto& one = list[at];
    switch (random_.below(12)) {
    case 0:
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1: {
      auto copy = one;
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), copy);
      break;
    }
    case 2:
      std::swap(one, list[random_.below(list.size())]);
      break;
    default:
      change(one);
    }
  }

  void change(gguf_pieces::pair& pair) {
    auto& value = pair.value;
    if (random_.one_in(12)) {
      mutate(pair.key, 16);
    } else if (random_.one_in(24)) {
      value.type = static_cast<std::uint32_t>(random_.below(14));
    } else if (value.is_array && !value.texts.empty()) {
      change_list(value.texts, [](std::string& text) { mutate(text, 16); });
    } else if (!value.texts.empty()) {
      mutate(value.texts[0]);
    } else if (random_.one_in(2)) {
      mutate(value.bytes, value.is_array ? 32 : 0);
    } else {
      auto number = numbers[random_.below(numbers.size())];
      std::memcpy(value.bytes.data(), &number,
                  std::min(value.bytes.size(), sizeof number));
    }
  }

  void change(gguf_pieces::tensor& tensor) {
    switch (random_.below(5)) {
    case 0:
      mutate(tensor.name, 16);
      break;
    case 1:
      tensor.name = pieces_.tensors[random_.below(pieces_.tensors.size())].name;
      break;
    case 2:
      tensor.type = types[random_.below(types.size())];
      break;
    case 3:
      tensor.offset = numbers[random_.below(numbers.size())];
      break;
    default:
      change_list(tensor.extents, [this](std::uint64_t& extent) {
        extent = numbers[random_.below(numbers.size())];
      });
    }
  }

  gguf_pieces& pieces_;
  chance& random_;
};

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned seed) {
  chance random{seed};
  if (random.one_in(8))
    return LLVMFuzzerMutate(bytes, size, max_size);
  gguf_pieces pieces{{reinterpret_cast<char*>(bytes), size}};
  do
    changer{pieces, random}.change();
  while (random.one_in(3));
  if (!random.one_in(6))
    pieces.place(max_size / 2);
  return give(pieces.file(), bytes, size, max_size);
}

} // namespace model_server::testing
