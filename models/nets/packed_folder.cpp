// Makes a model folder whose matrices are packed.
#include "models/nets/packed_folder.hpp"

#include "models/cores.hpp"
#include "models/kernels/thread_pool.hpp"
#include "models/nets/families/families.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/nets/packed_tensors.hpp"
#include "models/nets/packing.hpp"
#include "models/weights/weight_folder.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fstream>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace model_server {

namespace fs = std::filesystem;

namespace {

// Weights in whatever form: they are not copied beside the packed ones.
const std::set<std::string, std::less<>> weight_files{
    ".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"};
constexpr std::string_view index_file = "model.safetensors.index.json";

// One tensor of the new file: a matrix that is packed, or one as it was.
struct planned_tensor {
  std::string name;
  std::string_view type;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes;
  const tensor_view* copied = nullptr;
  const matrix_source* packed = nullptr;
  packed_format format = packed_format::int8;
};

planned_tensor plan(const matrix_source& matrix, packed_format wanted) {
  auto format = format_of_matrix(matrix, wanted);
  return {packed_name(matrix.name(), format),
          "U8",
          {packed_blocks(matrix.outputs),
           packed_block_bytes(format, matrix.inputs)},
          packed_bytes(format, matrix.outputs, matrix.inputs),
          nullptr,
          &matrix,
          format};
}

// Those that must be aligned come first: their sizes keep the ones behind them
// aligned.
std::vector<planned_tensor> plan(const weight_folder& folder,
                                 const decoder_spec& spec,
                                 packed_format wanted) {
  std::vector<planned_tensor> result;
  std::set<std::string> taken;
  for_each_matrix(spec, [&](const matrix_source& matrix) {
    taken.insert(matrix.tensor);
    result.push_back(plan(matrix, wanted));
  });
  for (const auto& [name, tensor] : folder.tensors())
    if (!taken.contains(name))
      result.push_back({name, to_string(tensor->format), tensor->shape,
                        tensor->bytes.size(), tensor});
  return result;
}

// With the 8 bytes of its length a multiple of what must be aligned.
std::string header_of(const std::vector<planned_tensor>& tensors) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json{buffer};
  auto text = [&](std::string_view value) {
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  std::uint64_t offset = 0;
  json.StartObject();
  for (const auto& item : tensors) {
    text(item.name);
    json.StartObject();
    text("dtype");
    text(item.type);
    text("shape");
    json.StartArray();
    for (auto extent : item.shape)
      json.Uint64(extent);
    json.EndArray();
    text("data_offsets");
    json.StartArray();
    json.Uint64(offset);
    offset += item.bytes;
    json.Uint64(offset);
    json.EndArray();
    json.EndObject();
  }
  json.EndObject();
  std::string result{buffer.GetString(), buffer.GetSize()};
  while ((result.size() + 8) % packed_alignment != 0)
    result += ' ';
  return result;
}

class output_file {
public:
  explicit output_file(fs::path path)
      : path_(std::move(path)), file_(path_, std::ios::binary) {
    check();
  }

  void write(std::span<const std::byte> bytes) {
    file_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    check();
  }

  // Whole, or not there: it is on the disk when this returns.
  void close() {
    file_.close();
    check();
    auto descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    auto is_safe = descriptor >= 0 && ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (!is_safe)
      throw std::runtime_error(
          fmt::format("{}: cannot be written", path_.string()));
  }

private:
  void check() const {
    if (!file_)
      throw std::runtime_error(
          fmt::format("{}: cannot be written", path_.string()));
  }

  fs::path path_;
  std::ofstream file_;
};

std::vector<std::byte> pack_tensor(const matrix_reader& read,
                                   const planned_tensor& item,
                                   thread_pool& pool) {
  auto matrix = read.plain(*item.packed, std::nullopt);
  std::vector<std::byte> result(item.bytes);
  pack_matrix(matrix.plain, item.format, result.data(), pool);
  return result;
}

void write_tensors(const weight_folder& folder, const decoder_spec& spec,
                   packed_format format, const fs::path& to,
                   packed_sizes& sizes, const load_watch& watch) {
  matrix_reader read{folder, spec.norm_offset};
  auto tensors = plan(folder, spec, format);
  for (const auto& [name, tensor] : folder.tensors())
    sizes.bytes_before += tensor->bytes.size();
  for (const auto& item : tensors)
    sizes.bytes_after += item.bytes;
  auto header = header_of(tensors);
  output_file file{to};
  std::uint64_t length = header.size();
  std::vector<std::byte> prefix;
  for (auto i = 0; i < 8; ++i)
    prefix.push_back(static_cast<std::byte>(length >> (8 * i)));
  file.write(prefix);
  file.write(std::as_bytes(std::span{header}));
  thread_pool pool{usable_cores()};
  std::uint64_t done = 0;
  for (const auto& item : tensors) {
    if (item.packed != nullptr)
      file.write(pack_tensor(read, item, pool));
    else
      file.write(item.copied->bytes);
    done += item.bytes;
    if (watch && done > 0)
      watch(static_cast<double>(done) / static_cast<double>(sizes.bytes_after));
  }
  file.close();
}

// Not hidden ones: what they tell of the folder is no longer true.
void copy_other_files(const fs::path& from, const fs::path& to) {
  auto is_hidden = [](const fs::path& path) {
    return path.filename().string().starts_with('.');
  };
  for (const auto& item : fs::directory_iterator{from})
    if (item.is_regular_file() && item.path().filename() != index_file
        && !is_hidden(item.path())
        && !weight_files.contains(item.path().extension().string()))
      fs::copy_file(item.path(), to / item.path().filename());
}

} // namespace

packed_sizes write_packed_folder(const fs::path& from, const fs::path& to,
                                 packed_format format,
                                 const load_watch& watch) {
  weight_folder folder{from};
  for (const auto& [name, tensor] : folder.tensors())
    if (tensor->format == number_format::u8)
      throw std::runtime_error(fmt::format("{}: tensor `{}` is packed already",
                                           from.string(), name));
  if (folder.gguf() != nullptr)
    throw std::runtime_error(fmt::format(
        "{}: is a GGUF file; only the matrices of Hugging Face folders are "
        "packed",
        from.string()));
  auto spec = read_decoder_spec(from);
  resolve_names(spec, folder);
  auto wanted = to.has_filename() ? to : to.parent_path();
  if (fs::exists(wanted))
    throw std::runtime_error(
        fmt::format("{}: is there already", wanted.string()));
  auto partial = wanted;
  partial += ".partial";
  fs::remove_all(partial); // of a run that was interrupted
  fs::create_directories(partial);
  try {
    packed_sizes result;
    copy_other_files(from, partial);
    write_tensors(folder, spec, format, partial / "model.safetensors", result,
                  watch);
    fs::rename(partial, wanted);
    return result;
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
}

} // namespace model_server
