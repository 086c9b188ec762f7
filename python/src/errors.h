#pragma once

#include <pybind11/pybind11.h>
#include <skald/status.h>
#include <utility>

namespace skald::python {

/// The Python exception of a failure, not raised.
pybind11::object ErrorOf(const Status& status);

/// Raises it. The caller holds the GIL.
[[noreturn]] void Raise(const Status& status);

/// Raises unless `status` is ok.
inline void RaiseIfError(const Status& status) {
  if (!status.ok()) Raise(status);
}

/// The value, or raises.
template <typename T>
T ValueOrRaise(StatusOr<T> result) {
  RaiseIfError(result.status());
  return std::move(result).value();
}

}  // namespace skald::python
