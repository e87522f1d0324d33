// Changes safetensors files so that their lengths and offsets mostly fit.
#include "tests/fuzz/programs/mutation.hpp"

#include "models/weights/number_format.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace model_server::testing {

namespace {

constexpr std::size_t prefix = 8;

// Bytes of a tensor as its line says; 0 if the line is broken.
std::size_t size_of_line(const rapidjson::Value& line) {
  auto dtype = line.FindMember("dtype"), shape = line.FindMember("shape");
  if (dtype == line.MemberEnd() || shape == line.MemberEnd()
      || !dtype->value.IsString() || !shape->value.IsArray())
    return 0;
  auto format = format_named(dtype->value.GetString());
  std::size_t size = format ? size_of(*format) : 1;
  for (auto& extent : shape->value.GetArray())
    size = extent.IsUint() && extent.GetUint() <= 64 && size < 4096
               ? size * extent.GetUint()
               : 0;
  return size;
}

// Puts the tensors one behind the other, and as much data behind the header.
void place(std::string& header, std::string& data) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(header.data(), header.size());
  if (document.HasParseError() || !document.IsObject())
    return;
  std::size_t end = 0;
  for (auto& member : document.GetObject()) {
    auto& line = member.value;
    if (!line.IsObject() || member.name == "__metadata__")
      continue;
    auto begin = end;
    end += size_of_line(line);
    rapidjson::Value offsets{rapidjson::kArrayType};
    offsets.PushBack(static_cast<std::uint64_t>(begin), document.GetAllocator())
        .PushBack(static_cast<std::uint64_t>(end), document.GetAllocator());
    if (auto found = line.FindMember("data_offsets"); found != line.MemberEnd())
      found->value = offsets;
  }
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  document.Accept(writer);
  header.assign(buffer.GetString(), buffer.GetSize());
  data.resize(end, '\1');
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned seed) {
  chance random{seed};
  if (size < prefix || random.one_in(8))
    return LLVMFuzzerMutate(bytes, size, max_size);
  std::uint64_t length;
  std::memcpy(&length, bytes, sizeof length);
  std::string all{reinterpret_cast<char*>(bytes) + prefix, size - prefix};
  auto header = all.substr(0, length);
  auto data = all.substr(header.size());
  mutate(random.one_in(8) ? data : header);
  if (!random.one_in(4))
    place(header, data);
  length = header.size();
  std::string result(sizeof length, '\0');
  std::memcpy(result.data(), &length, sizeof length);
  return give(result + header + data, bytes, size, max_size);
}

} // namespace model_server::testing
