#pragma once

#include <cstdint>
#include <span>

namespace skald {

/// A borrowed row-major matrix [rows, columns]; row r starts at data + r * stride. Trivially copyable, owns
/// nothing. The memory may be on the host or on a device: the function that takes a view says which.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;  ///< elements from one row to the next, at least `columns`

  MatrixView() = default;
  MatrixView(T* data_in, int64_t rows_in, int64_t columns_in)
      : MatrixView(data_in, rows_in, columns_in, columns_in) {}
  MatrixView(T* data_in, int64_t rows_in, int64_t columns_in, int64_t stride_in)
      : data(data_in), rows(rows_in), columns(columns_in), stride(stride_in) {}

  std::span<T> Row(int64_t row) const { return {data + row * stride, static_cast<size_t>(columns)}; }
  T& operator()(int64_t row, int64_t column) const { return data[row * stride + column]; }
  MatrixView Rows(int64_t first, int64_t count) const {
    return {data + first * stride, count, columns, stride};
  }
  MatrixView Columns(int64_t first, int64_t count) const { return {data + first, rows, count, stride}; }
  operator MatrixView<const T>() const {
    return {data, rows, columns, stride};
  }  // NOLINT: like span<T> to span<const T>
};

/// Acoustic scores of consecutive frames [frames, units]: negative log likelihoods in nats, unit 0 is the CTC
/// blank.
using ScoreView = MatrixView<const float>;

/// Features of consecutive feature frames [feature_frames, bins].
using FeatureView = MatrixView<const float>;

}  // namespace skald
