#include "support/npy.h"

#include <cstring>
#include <regex>

#include "base/file.h"

namespace skald::test {
namespace {

template <typename T>
void Convert(const char* bytes, size_t count, std::vector<float>* values) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    values->push_back(static_cast<float>(value));
  }
}

}  // namespace

StatusOr<NpyArray> ReadNpy(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  if (file.size() < 12 || file.compare(0, 6, "\x93NUMPY") != 0) return Status::Corrupt("not a .npy file").InFile(path);
  const bool version_1 = file[6] == 1;
  uint32_t header_size = 0;
  std::memcpy(&header_size, file.data() + 8, version_1 ? 2 : 4);
  const size_t start = (version_1 ? 10 : 12) + header_size;
  const std::string header = file.substr(version_1 ? 10 : 12, header_size);

  NpyArray array;
  std::smatch match;
  if (!std::regex_search(header, match, std::regex(R"('shape':\s*\(([^)]*)\))"))) {
    return Status::Corrupt("no shape").InFile(path);
  }
  const std::string shape = match[1];
  size_t count = 1;
  static const std::regex kNumber(R"(\d+)");
  for (std::sregex_iterator it(shape.begin(), shape.end(), kNumber), end; it != end; ++it) {
    array.shape.push_back(std::stoll(it->str()));
    count *= static_cast<size_t>(array.shape.back());
  }
  std::regex_search(header, match, std::regex(R"('descr':\s*'([^']*)')"));
  const std::string type = match[1];
  const size_t item = static_cast<size_t>(type.back() - '0');
  if (file.size() < start + count * item) return Status::Corrupt("truncated").InFile(path);
  const char* bytes = file.data() + start;
  if (type == "<f4") {
    Convert<float>(bytes, count, &array.values);
  } else if (type == "<f8") {
    Convert<double>(bytes, count, &array.values);
  } else if (type == "<i2") {
    Convert<int16_t>(bytes, count, &array.values);
  } else if (type == "<i4") {
    Convert<int32_t>(bytes, count, &array.values);
  } else {
    return Status::Unsupported("type " + type).InFile(path);
  }
  if (header.find("'fortran_order': True") != std::string::npos && array.shape.size() == 2) {
    const size_t rows = static_cast<size_t>(array.shape[0]), columns = static_cast<size_t>(array.shape[1]);
    std::vector<float> transposed(count);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) transposed[r * columns + c] = array.values[c * rows + r];
    }
    array.values = std::move(transposed);
  }
  return array;
}

}  // namespace skald::test
