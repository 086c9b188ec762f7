#include "models/bundle/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

#include "models/bundle/strict_json.h"

namespace skald {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is used as it lies in the file");

constexpr uint64_t kMaxHeaderBytes = uint64_t{8} << 20;
constexpr size_t kMaxDimensions = 8;

/// Bytes of an element; 0 for a type that the format does not have.
size_t ElementBytes(const std::string& type) {
  if (type == "F16" || type == "BF16" || type == "I16" || type == "U16") return 2;
  if (type == "F32" || type == "I32" || type == "U32") return 4;
  if (type == "F64" || type == "I64" || type == "U64") return 8;
  if (type == "BOOL" || type == "I8" || type == "U8" || type == "F8_E4M3" || type == "F8_E5M2") return 1;
  return 0;
}

Status NotRead(const std::string& type, const std::string& name) {
  return Status::Unsupported("type " + type + "; F16, BF16 and F32 are read").At("tensor " + name);
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal or zero, exact in f32
  return sign != 0 ? -magnitude : magnitude;
}

Status InTensor(std::string reason, const std::string& name) {
  return Status::Corrupt(std::move(reason)).At("tensor " + name);
}

/// Checks one entry of the header against the data behind it.
StatusOr<TensorView> ReadEntry(const std::string& name, const nlohmann::json& entry,
                               std::span<const std::byte> data) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets") || !entry["dtype"].is_string() || !entry["shape"].is_array() ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2) {
    return InTensor("needs dtype, shape and two data_offsets", name);
  }
  TensorView tensor;
  const std::string type = entry["dtype"].get<std::string>();
  tensor.type_name = type;
  tensor.type = type == "F16"    ? TensorType::kF16
                : type == "BF16" ? TensorType::kBf16
                : type == "F32"  ? TensorType::kF32
                                 : TensorType::kOther;
  uint64_t expected = ElementBytes(type);
  if (expected == 0) return NotRead(type, name);
  if (entry["shape"].size() > kMaxDimensions) return InTensor("more than 8 dimensions", name);
  for (const nlohmann::json& size : entry["shape"]) {
    if (!size.is_number_unsigned()) return InTensor("a dimension is not an unsigned integer", name);
    const uint64_t value = size.get<uint64_t>();
    if (value > data.size() || __builtin_mul_overflow(expected, value, &expected)) {
      return InTensor("dimension " + std::to_string(value) + " is larger than the file", name);
    }
    tensor.shape.push_back(static_cast<int64_t>(value));
  }
  const nlohmann::json& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    return InTensor("data_offsets are not unsigned integers", name);
  }
  const uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > data.size()) {
    return InTensor("bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                        " are outside the data of " + std::to_string(data.size()) + " (truncated?)",
                    name);
  }
  if (end - begin != expected) {
    return InTensor("shape " + ShapeToString(tensor.shape) + " of " + type + " needs " +
                        std::to_string(expected) + " bytes, the range has " + std::to_string(end - begin),
                    name);
  }
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

}  // namespace

const char* TensorTypeName(TensorType type) {
  return type == TensorType::kF16 ? "F16" : type == TensorType::kBf16 ? "BF16" : "F32";
}

std::string ShapeToString(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

int64_t TensorView::element_count() const {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

std::vector<float> TensorView::ToFloat() const {
  std::vector<float> values(static_cast<size_t>(element_count()));
  if (type == TensorType::kF32) {
    std::ranges::copy(bytes, std::as_writable_bytes(std::span(values)).begin());
    return values;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    values[i] = type == TensorType::kF16 ? HalfToFloat(bits)
                                         : std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  return values;
}

StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Open(path));
  SafetensorsFile file(std::move(mapped));
  if (Status status = file.ReadHeader(); !status.ok()) return std::move(status).InFile(path);
  return file;
}

Status SafetensorsFile::ReadHeader() {
  const std::span<const std::byte> bytes = file_.bytes();
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes) return Status::Corrupt("shorter than a safetensors header");
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - sizeof header_bytes) {
    return Status::Corrupt("header of " + std::to_string(header_bytes) + " bytes in a file of " +
                           std::to_string(bytes.size()) + " (truncated, or not safetensors)");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof header_bytes,
                              header_bytes);
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json header, ParseStrictJson(text));
  if (!header.is_object()) return Status::Corrupt("safetensors header is not a JSON object");

  const std::span<const std::byte> data = bytes.subspan(sizeof header_bytes + header_bytes);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    SKALD_ASSIGN_OR_RETURN(TensorView tensor, ReadEntry(name, entry, data));
    tensors_.emplace(name, std::move(tensor));
  }
  // The format asks for ranges that cover the data without gap or overlap: sorted, each starts where the last
  // ended.
  std::vector<std::pair<const std::byte*, std::string>> order;
  for (const auto& [name, tensor] : tensors_) {
    if (!tensor.bytes.empty()) order.emplace_back(tensor.bytes.data(), name);
  }
  std::sort(order.begin(), order.end());
  const std::byte* expected = data.data();
  for (const auto& [start, name] : order) {
    if (start != expected) return InTensor("its bytes overlap another tensor's or leave a gap", name);
    expected = start + tensors_.at(name).bytes.size();
  }
  if (expected != data.data() + data.size()) {
    return Status::Corrupt("data of " + std::to_string(data.size()) + " bytes, the tensors end at " +
                           std::to_string(expected - data.data()));
  }
  return Status::Ok();
}

StatusOr<TensorView> SafetensorsFile::Get(const std::string& name, const std::vector<int64_t>& shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return InTensor("is missing", name).InFile(path());
  if (found->second.shape != shape) {
    return InTensor("shape " + ShapeToString(found->second.shape) + ", expected " + ShapeToString(shape),
                    name)
        .InFile(path());
  }
  if (found->second.type == TensorType::kOther) return NotRead(found->second.type_name, name).InFile(path());
  return found->second;
}

}  // namespace skald
