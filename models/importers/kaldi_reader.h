#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace skald {

/// A matrix as Kaldi's files hold it, row-major; single and double precision become double.
struct KaldiMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<double> values;  ///< [rows * columns]

  double operator()(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
  std::vector<float> ToFloat() const { return {values.begin(), values.end()}; }
};

/// Reads the values of a file that Kaldi's Write functions made, text or binary (a binary file begins with a
/// zero byte and 'B'). Formats: Kaldi, base/io-funcs-inl.h, matrix/kaldi-matrix.cc, kaldi-vector.cc,
/// packed-matrix.cc. Nothing of the file is trusted: every size is checked against the bytes that are left
/// before memory of that size is taken. Failures are kCorrupt (kUnsupported for compressed matrices) and name
/// file and byte. Not thread safe.
class KaldiReader {
 public:
  /// Reads all of `path`, at most 4 GiB.
  static StatusOr<KaldiReader> Open(const std::string& path);
  /// The same from memory; `name` is what messages call it.
  static KaldiReader FromBytes(std::string bytes, std::string name);

  bool binary() const { return binary_; }
  const std::string& path() const { return path_; }
  size_t position() const { return position_; }

  /// A word that ends at white space, at most 1000 bytes.
  StatusOr<std::string> Token();
  /// The next token, which is not taken.
  StatusOr<std::string> PeekToken();
  Status Expect(std::string_view token);
  /// Text up to the end of the line, which is taken too.
  StatusOr<std::string> Line();
  bool AtEnd();

  StatusOr<int32_t> Integer();
  /// An integer within [low, high]; `what` is named in the message.
  StatusOr<int32_t> Integer(const char* what, int32_t low, int32_t high);
  StatusOr<double> Number();
  StatusOr<bool> Boolean();
  StatusOr<std::vector<int32_t>> Integers();
  StatusOr<std::vector<double>> Vector();
  StatusOr<KaldiMatrix> Matrix();
  /// A symmetric matrix that is stored as its lower triangle, as the full matrix.
  StatusOr<KaldiMatrix> SymmetricMatrix();

  /// A failure at the place of the last thing read.
  Status Corrupt(const std::string& reason) const { return Located(Status::Corrupt(reason)); }
  Status Unsupported(const std::string& reason) const { return Located(Status::Unsupported(reason)); }
  Status Located(Status status) const;

 private:
  KaldiReader(std::string bytes, std::string path);
  void SkipSpace();
  Status Need(size_t bytes, const char* what);
  template <typename T>
  T Take();
  StatusOr<int32_t> Size(const char* what);
  Status Values(int64_t count, bool is_double, std::vector<double>* values);
  StatusOr<double> TextNumber();
  /// Numbers between brackets, a row a line.
  StatusOr<std::vector<std::vector<double>>> TextRows();

  std::string bytes_;
  std::string path_;
  bool binary_ = false;
  size_t position_ = 0;
  size_t start_ = 0;  ///< of the last thing read
};

}  // namespace skald
