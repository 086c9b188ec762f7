#include "base/npy.h"

#include <algorithm>
#include <cstring>
#include <regex>

#include "base/file.h"

namespace skald {
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
  if (file.size() < 12 || file.compare(0, 6, "\x93NUMPY") != 0)
    return Status::Corrupt("not a .npy file").InFile(path);
  const bool version_1 = file[6] == 1;
  uint32_t header_size = 0;
  std::memcpy(&header_size, file.data() + 8, version_1 ? 2 : 4);
  const size_t start = (version_1 ? 10 : 12) + header_size;
  const std::string header = file.substr(version_1 ? 10 : 12, header_size);

  NpyArray array;
  std::smatch match;
  if (file.size() < start ||
      !std::regex_search(header, match, std::regex(R"('shape':\s*\(([0-9, ]{0,200})\))"))) {
    return Status::Corrupt("no shape").InFile(path);
  }
  const std::string shape = match[1];
  // More elements than the file has bytes are refused below; stopping here keeps the product from
  // overflowing.
  const uint64_t most = file.size();
  uint64_t count = 1;
  static const std::regex kNumber(R"(\d{1,18})");
  for (std::sregex_iterator it(shape.begin(), shape.end(), kNumber), end; it != end; ++it) {
    array.shape.push_back(std::stoll(it->str()));
    const uint64_t size = static_cast<uint64_t>(array.shape.back());
    count = size > most ? most + 1 : std::min(count * size, most + 1);
  }
  if (!std::regex_search(header, match, std::regex(R"('descr':\s*'([<|>=]?)([a-zA-Z]\d{0,3})')"))) {
    return Status::Corrupt("no element type").InFile(path);
  }
  const std::string type = match[2];
  if (match[1] == ">" || (type != "f4" && type != "f8" && type != "i2" && type != "i4")) {
    return Status::Unsupported("element type " + match[1].str() + type).InFile(path);
  }
  const size_t item = static_cast<size_t>(type[1] - '0');
  if ((file.size() - start) / item < count) return Status::Corrupt("truncated").InFile(path);
  const char* bytes = file.data() + start;
  if (type == "f4") {
    Convert<float>(bytes, count, &array.values);
  } else if (type == "f8") {
    Convert<double>(bytes, count, &array.values);
  } else if (type == "i2") {
    Convert<int16_t>(bytes, count, &array.values);
  } else {
    Convert<int32_t>(bytes, count, &array.values);
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

}  // namespace skald
