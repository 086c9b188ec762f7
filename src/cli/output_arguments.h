#pragma once

#include <boost/program_options.hpp>

#include "base/status.h"
#include "output/output_format.h"

namespace skald::cli {

/// Options about the text and layout of outputs.
boost::program_options::options_description OutputArguments();
/// kInvalidArgument names what is out of range.
StatusOr<OutputOptions> ReadOutputArguments(const boost::program_options::variables_map& values);

}  // namespace skald::cli
