#pragma once

#include <boost/program_options.hpp>

#include "base/status.h"
#include "engine/segment_describer.h"

namespace skald::cli {

/// Options about what is read from the lattices of the search.
boost::program_options::options_description DescriptionArguments();
/// kInvalidArgument names what is out of range.
StatusOr<DescriptionOptions> ReadDescriptionArguments(const boost::program_options::variables_map& values);

}  // namespace skald::cli
