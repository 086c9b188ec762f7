#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"

namespace skald {

/// Element types that Skald reads from safetensors files; kOther: one that it passes over (I64, BOOL, ...).
enum class TensorType { kF16, kBf16, kF32, kOther };

/// "F16", "BF16" or "F32".
const char* TensorTypeName(TensorType type);

/// A tensor inside a mapped safetensors file. Borrows the file's bytes; row-major, little endian.
struct TensorView {
  TensorType type = TensorType::kF32;
  std::string type_name = "F32";  ///< as in the file
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  ///< product(shape) elements, no particular alignment

  int64_t element_count() const;
  /// Values as f32, row-major [product(shape)]. F16 and BF16 convert exactly.
  std::vector<float> ToFloat() const;
};

/// A safetensors file (https://github.com/huggingface/safetensors, README "Format"), mapped read-only.
/// Opening checks the whole header before anything of its size is allocated: header length (at most 8 MiB)
/// and JSON, types of the format, shapes whose bytes equal the stated range, ranges inside the file that
/// neither overlap nor leave gaps. Failures name file and tensor. Thread safe after Open.
class SafetensorsFile {
 public:
  static StatusOr<SafetensorsFile> Open(const std::string& path);

  /// The tensor `name` of exactly `shape`; kCorrupt naming file, tensor and both shapes otherwise,
  /// kUnsupported for a type that is not read. The view lives as long as this object.
  StatusOr<TensorView> Get(const std::string& name, const std::vector<int64_t>& shape) const;
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::string& path() const { return file_.path(); }
  std::span<const std::byte> bytes() const { return file_.bytes(); }

 private:
  explicit SafetensorsFile(MappedFile file) : file_(std::move(file)) {}
  Status ReadHeader();
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
};

/// "[512, 80, 3]"
std::string ShapeToString(const std::vector<int64_t>& shape);

}  // namespace skald
