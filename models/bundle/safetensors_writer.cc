#include "models/bundle/safetensors_writer.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"

namespace skald {
namespace {

std::span<const std::byte> BytesOf(const NamedTensor& tensor) {
  return tensor.bytes.empty() ? std::as_bytes(std::span(tensor.values)) : tensor.bytes;
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors) {
  nlohmann::json header = nlohmann::json::object();
  uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    uint64_t expected = tensor.type == TensorType::kF32 ? 4 : 2;
    for (const int64_t size : tensor.shape) expected *= static_cast<uint64_t>(size);
    const uint64_t bytes = BytesOf(tensor).size();
    SKALD_CHECK(bytes == expected && !header.contains(tensor.name),
                "a tensor has the values of its shape, and a name of its own");
    header[tensor.name] = {{"dtype", TensorTypeName(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // tensors are aligned
  SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  const uint64_t length = text.size();
  SKALD_RETURN_IF_ERROR(file.Write(std::as_bytes(std::span(&length, 1))));
  SKALD_RETURN_IF_ERROR(file.Write(text));
  for (const NamedTensor& tensor : tensors) SKALD_RETURN_IF_ERROR(file.Write(BytesOf(tensor)));
  return file.Commit();
}

}  // namespace skald
