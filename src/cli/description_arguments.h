#pragma once

#include <boost/program_options.hpp>

#include "base/status.h"
#include "engine/options.h"

namespace skald::cli {

/// Options about how words are found and what is read from the lattices of the search.
boost::program_options::options_description DescriptionArguments();
/// Sets what they say; kInvalidArgument names what is out of range.
Status ReadDescriptionArguments(const boost::program_options::variables_map& values,
                                RecognizerOptions* recognizer);

}  // namespace skald::cli
