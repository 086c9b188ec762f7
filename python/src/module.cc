#include <pybind11/pybind11.h>
#include <skald/recognizer.h>
#include <skald/version.h>

#include "bind.h"
#include "errors.h"
#include "results.h"

PYBIND11_MODULE(_native, module) {
  module.attr("__version__") = skald::kVersion;
  skald::python::BindResults(module);
  skald::python::BindRecognizer(module);
  skald::python::BindIndex(module);
  skald::python::BindLive(module);
  module.def("default_model",
             [] { return skald::python::PathText(skald::python::ValueOrRaise(skald::FindDefaultBundle())); });
}
