#include "errors.h"

namespace skald::python {

namespace py = pybind11;

py::object ErrorOf(const Status& status) {
  const py::object types = py::module_::import("skald.errors").attr("BY_CODE");
  return types[py::int_(static_cast<int>(status.code()))](status.reason(), status.file(), status.position());
}

void Raise(const Status& status) {
  const py::object error = ErrorOf(status);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

}  // namespace skald::python
