#pragma once

#include <pybind11/pybind11.h>

namespace skald::python {

void BindRecognizer(pybind11::module_& module);
void BindIndex(pybind11::module_& module);
void BindLive(pybind11::module_& module);

}  // namespace skald::python
