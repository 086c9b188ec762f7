#pragma once

#include <pybind11/pybind11.h>
#include <skald/options.h>

namespace skald::python {

/// The options of these keywords. Raises TypeError for names that are no option and for values of other
/// types.
RecognizerOptions OptionsOf(const pybind11::kwargs& keywords);

/// For paths: str, bytes or os.PathLike.
std::string PathOf(const pybind11::handle& path);

}  // namespace skald::python
