#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald::cli {

/// A query with the name it has in a keyword list.
struct NamedQuery {
  std::string id;
  std::string text;
};

/// `words` as queries of their own name, then those of the list that the option --keywords names.
StatusOr<std::vector<NamedQuery>> Queries(const boost::program_options::variables_map& values,
                                          const std::vector<std::string>& words);

/// The file of the option --pronunciations, else that of the default bundle. Empty where there is none: then
/// words that the recognizer does not know find nothing.
std::string Pronunciations(const boost::program_options::variables_map& values);

}  // namespace skald::cli
