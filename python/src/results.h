#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl_bind.h>
#include <skald/results.h>
#include <string>
#include <vector>

// Lists in results are handed out by reference, not copied each time that they are looked at.
PYBIND11_MAKE_OPAQUE(std::vector<skald::Word>)
PYBIND11_MAKE_OPAQUE(std::vector<skald::WordAlternative>)
PYBIND11_MAKE_OPAQUE(std::vector<skald::Alternative>)
PYBIND11_MAKE_OPAQUE(std::vector<skald::Segment>)
PYBIND11_MAKE_OPAQUE(std::vector<skald::Warning>)
PYBIND11_MAKE_OPAQUE(std::vector<skald::SkippedSpan>)

namespace skald::python {

/// Text of the library as str: what is not valid UTF-8 is replaced.
pybind11::str TextOf(const std::string& text);

/// A path of the library as str, as os.fsdecode has it.
pybind11::str PathText(const std::string& path);

/// Binds Transcript and what it consists of.
void BindResults(pybind11::module_& module);

}  // namespace skald::python
