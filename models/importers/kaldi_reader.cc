#include "models/importers/kaldi_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/file.h"

namespace skald {
namespace {

constexpr size_t kMaxFileBytes = size_t{4} << 30;
constexpr size_t kMaxTokenBytes = 1000;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

StatusOr<KaldiReader> KaldiReader::Open(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kMaxFileBytes));
  return KaldiReader(std::move(bytes), path);
}

KaldiReader KaldiReader::FromBytes(std::string bytes, std::string name) {
  return {std::move(bytes), std::move(name)};
}

KaldiReader::KaldiReader(std::string bytes, std::string path)
    : bytes_(std::move(bytes)), path_(std::move(path)) {
  if (bytes_.size() >= 2 && bytes_[0] == '\0' && bytes_[1] == 'B') {
    binary_ = true;
    position_ = start_ = 2;
  }
}

Status KaldiReader::Located(Status status) const {
  return std::move(status).InFile(path_).At("byte " + std::to_string(start_));
}

void KaldiReader::SkipSpace() {
  while (position_ < bytes_.size() && IsSpace(bytes_[position_])) ++position_;
}

bool KaldiReader::AtEnd() {
  SkipSpace();
  return position_ == bytes_.size();
}

Status KaldiReader::Need(size_t bytes, const char* what) {
  if (bytes <= bytes_.size() - position_) return Status::Ok();
  return Corrupt(std::string(what) + ": needs " + std::to_string(bytes) + " bytes, the file has " +
                 std::to_string(bytes_.size() - position_) + " left");
}

template <typename T>
T KaldiReader::Take() {
  T value;
  std::memcpy(&value, bytes_.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

StatusOr<std::string> KaldiReader::Token() {
  SkipSpace();
  start_ = position_;
  size_t end = position_;
  while (end < bytes_.size() && !IsSpace(bytes_[end]) && end - position_ <= kMaxTokenBytes) ++end;
  if (end == position_) return Corrupt("the file ends where a word is expected");
  if (end - position_ > kMaxTokenBytes) return Corrupt("a word of more than 1000 bytes");
  std::string token = bytes_.substr(position_, end - position_);
  // Binary values follow after exactly one space.
  position_ = std::min(end + 1, bytes_.size());
  return token;
}

StatusOr<std::string> KaldiReader::PeekToken() {
  const size_t position = position_;
  StatusOr<std::string> token = Token();
  if (token.ok()) position_ = position;
  return token;
}

Status KaldiReader::Expect(std::string_view token) {
  SKALD_ASSIGN_OR_RETURN(const std::string found, Token());
  if (found == token) return Status::Ok();
  // What a damaged file holds need not be text.
  const bool printable = std::all_of(found.begin(), found.end(), [](char c) { return c > 32 && c < 127; });
  return Corrupt("expected " + std::string(token) + ", found " + (printable ? found : "binary data"));
}

StatusOr<std::string> KaldiReader::Line() {
  start_ = position_;
  if (position_ == bytes_.size()) return Corrupt("the file ends where a line is expected");
  const size_t end = std::min(bytes_.find('\n', position_), bytes_.size());
  std::string line = bytes_.substr(position_, end - position_);
  position_ = std::min(end + 1, bytes_.size());
  return line;
}

StatusOr<double> KaldiReader::TextNumber() {
  SkipSpace();
  start_ = position_;
  double value = 0;
  const char* const begin = bytes_.data() + position_;
  const auto [end, error] = std::from_chars(begin, bytes_.data() + bytes_.size(), value);
  if (error != std::errc() && error != std::errc::result_out_of_range) return Corrupt("expected a number");
  position_ += static_cast<size_t>(end - begin);
  if (position_ < bytes_.size() && !IsSpace(bytes_[position_]) && bytes_[position_] != ']') {
    return Corrupt("expected a number");
  }
  return value;
}

StatusOr<int32_t> KaldiReader::Integer() {
  if (!binary_) {
    SKALD_ASSIGN_OR_RETURN(const double value, TextNumber());
    if (value != std::floor(value) || std::abs(value) > std::numeric_limits<int32_t>::max()) {
      return Corrupt("expected a whole number");
    }
    return static_cast<int32_t>(value);
  }
  start_ = position_;
  SKALD_RETURN_IF_ERROR(Need(5, "an integer"));
  if (const int8_t size = Take<int8_t>(); size != 4) {
    return Corrupt("expected an integer of 4 bytes, found size " + std::to_string(size));
  }
  return Take<int32_t>();
}

StatusOr<int32_t> KaldiReader::Integer(const char* what, int32_t low, int32_t high) {
  SKALD_ASSIGN_OR_RETURN(const int32_t value, Integer());
  if (value >= low && value <= high) return value;
  return Corrupt(std::string(what) + " is " + std::to_string(value) + ", must be from " +
                 std::to_string(low) + " to " + std::to_string(high));
}

StatusOr<double> KaldiReader::Number() {
  if (!binary_) return TextNumber();
  start_ = position_;
  SKALD_RETURN_IF_ERROR(Need(1, "a number"));
  const int8_t size = Take<int8_t>();
  if (size != 4 && size != 8)
    return Corrupt("expected a number of 4 or 8 bytes, found size " + std::to_string(size));
  SKALD_RETURN_IF_ERROR(Need(static_cast<size_t>(size), "a number"));
  return size == 4 ? double{Take<float>()} : Take<double>();
}

StatusOr<bool> KaldiReader::Boolean() {
  if (!binary_) SkipSpace();
  start_ = position_;
  SKALD_RETURN_IF_ERROR(Need(1, "true or false"));
  const char value = Take<char>();
  if (value != 'T' && value != 'F') return Corrupt("expected T or F");
  return value == 'T';
}

StatusOr<int32_t> KaldiReader::Size(const char* what) {
  SKALD_ASSIGN_OR_RETURN(const int32_t size, Integer());
  if (size < 0) return Corrupt(std::string(what) + " of " + std::to_string(size) + " elements");
  return size;
}

Status KaldiReader::Values(int64_t count, bool is_double, std::vector<double>* values) {
  const size_t size = is_double ? sizeof(double) : sizeof(float);
  if (static_cast<size_t>(count) > (bytes_.size() - position_) / size) {
    return Corrupt("a vector or matrix of " + std::to_string(count) + " values; the file has " +
                   std::to_string(bytes_.size() - position_) + " bytes left");
  }
  values->resize(static_cast<size_t>(count));
  for (double& value : *values) {
    value = is_double ? Take<double>() : double{Take<float>()};
    if (!std::isfinite(value)) return Corrupt("a value of the vector or matrix here is not finite");
  }
  return Status::Ok();
}

StatusOr<std::vector<std::vector<double>>> KaldiReader::TextRows() {
  SKALD_RETURN_IF_ERROR(Expect("["));
  // The single character after "[" may be the end of the first, empty line.
  std::vector<std::vector<double>> rows(1);
  for (;;) {
    while (position_ < bytes_.size() && IsSpace(bytes_[position_])) {
      if (bytes_[position_++] == '\n' && !rows.back().empty()) rows.emplace_back();
    }
    start_ = position_;
    if (position_ == bytes_.size()) return Corrupt("the file ends inside brackets");
    if (bytes_[position_] == ']') {
      ++position_;
      if (rows.back().empty()) rows.pop_back();
      return rows;
    }
    SKALD_ASSIGN_OR_RETURN(const double value, TextNumber());
    if (!std::isfinite(value)) return Corrupt("a value is not finite");
    rows.back().push_back(value);
  }
}

StatusOr<std::vector<int32_t>> KaldiReader::Integers() {
  std::vector<int32_t> values;
  if (!binary_) {
    SKALD_ASSIGN_OR_RETURN(const auto rows, TextRows());
    for (const auto& row : rows) {
      for (const double value : row) {
        if (value != std::floor(value) || std::abs(value) > std::numeric_limits<int32_t>::max()) {
          return Corrupt("expected whole numbers");
        }
        values.push_back(static_cast<int32_t>(value));
      }
    }
    return values;
  }
  start_ = position_;
  SKALD_RETURN_IF_ERROR(Need(5, "a list of integers"));
  if (Take<int8_t>() != 4) return Corrupt("expected integers of 4 bytes");
  const int32_t size = Take<int32_t>();
  if (size < 0) return Corrupt("a list of " + std::to_string(size) + " integers");
  SKALD_RETURN_IF_ERROR(Need(static_cast<size_t>(size) * sizeof(int32_t), "a list of integers"));
  values.resize(static_cast<size_t>(size));
  for (int32_t& value : values) value = Take<int32_t>();
  return values;
}

StatusOr<std::vector<double>> KaldiReader::Vector() {
  std::vector<double> values;
  if (!binary_) {
    SKALD_ASSIGN_OR_RETURN(const auto rows, TextRows());
    for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
    return values;
  }
  SKALD_ASSIGN_OR_RETURN(const std::string type, Token());
  if (type != "FV" && type != "DV") return Corrupt("expected a vector (FV or DV)");
  SKALD_ASSIGN_OR_RETURN(const int32_t size, Size("a vector"));
  SKALD_RETURN_IF_ERROR(Values(size, type == "DV", &values));
  return values;
}

StatusOr<KaldiMatrix> KaldiReader::Matrix() {
  KaldiMatrix matrix;
  if (!binary_) {
    SKALD_ASSIGN_OR_RETURN(const auto rows, TextRows());
    matrix.rows = static_cast<int64_t>(rows.size());
    matrix.columns = rows.empty() ? 0 : static_cast<int64_t>(rows.front().size());
    for (const auto& row : rows) {
      if (static_cast<int64_t>(row.size()) != matrix.columns)
        return Corrupt("the matrix has rows of different length");
      matrix.values.insert(matrix.values.end(), row.begin(), row.end());
    }
    return matrix;
  }
  SKALD_ASSIGN_OR_RETURN(const std::string type, Token());
  if (type == "CM" || type == "CM2" || type == "CM3") return Unsupported("compressed matrix");
  if (type != "FM" && type != "DM") return Corrupt("expected a matrix (FM or DM)");
  SKALD_ASSIGN_OR_RETURN(const int32_t rows, Size("a matrix"));
  SKALD_ASSIGN_OR_RETURN(const int32_t columns, Size("a matrix row"));
  matrix.rows = rows;
  matrix.columns = columns;
  SKALD_RETURN_IF_ERROR(Values(int64_t{rows} * columns, type == "DM", &matrix.values));
  return matrix;
}

StatusOr<KaldiMatrix> KaldiReader::SymmetricMatrix() {
  std::vector<double> triangle;
  int64_t size = 0;
  if (binary_) {
    SKALD_ASSIGN_OR_RETURN(const std::string type, Token());
    if (type != "FP" && type != "DP") return Corrupt("expected a packed matrix (FP or DP)");
    SKALD_ASSIGN_OR_RETURN(size, Size("a packed matrix"));
    SKALD_RETURN_IF_ERROR(Values(size * (size + 1) / 2, type == "DP", &triangle));
  } else {
    SKALD_ASSIGN_OR_RETURN(const auto rows, TextRows());
    for (const auto& row : rows) {
      if (static_cast<int64_t>(row.size()) != ++size) return Corrupt("not the lower triangle of a matrix");
      triangle.insert(triangle.end(), row.begin(), row.end());
    }
  }
  KaldiMatrix matrix{size, size, std::vector<double>(static_cast<size_t>(size * size))};
  for (int64_t row = 0, next = 0; row < size; ++row) {
    for (int64_t column = 0; column <= row; ++column, ++next) {
      matrix.values[static_cast<size_t>(row * size + column)] =
          matrix.values[static_cast<size_t>(column * size + row)] = triangle[static_cast<size_t>(next)];
    }
  }
  return matrix;
}

}  // namespace skald
