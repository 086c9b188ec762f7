#pragma once

#include <boost/program_options.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald::cli {

/// Exit codes of `skald`.
enum ExitCode {
  kAllWell = 0,
  kBadUsage = 1,     ///< unknown command or option, value out of range
  kSomeFailed = 2,   ///< some inputs failed; each was named on standard error
  kNothingDone = 3,  ///< nothing could be done: no model, no device, no readable input list
};

using Arguments = std::vector<std::string>;

// One function per subcommand, each in the file of its name. Arguments exclude the subcommand's own name.
int RunTranscribe(const Arguments& arguments);
int RunCombine(const Arguments& arguments);
int RunGraph(const Arguments& arguments);
int RunAlign(const Arguments& arguments);
int RunLm(const Arguments& arguments);
int RunModel(const Arguments& arguments);
int RunScore(const Arguments& arguments);
int RunIndex(const Arguments& arguments);
int RunSearch(const Arguments& arguments);
int RunReport(const Arguments& arguments);
int RunBench(const Arguments& arguments);
int RunJobs(const Arguments& arguments);
int RunDoctor(const Arguments& arguments);

/// A parsed command line: either values, or an exit code because help was printed or the usage was wrong.
struct Parsed {
  boost::program_options::variables_map values;
  int exit_code = -1;  ///< negative: go on
};

/// Parses `arguments`; handles --help (prints `usage`, `about` and the options on standard output) and
/// reports bad usage on standard error in one line. Positional arguments are collected under `positional`
/// unless that is empty.
Parsed Parse(const Arguments& arguments, const std::string& usage, const std::string& about,
             boost::program_options::options_description options, const std::string& positional);

/// All values of an option or argument that may be given several times; none where it was not given.
std::vector<std::string> Texts(const boost::program_options::variables_map& values, const std::string& name);

/// The values as text, a line each in the order of their names, but for those of these names.
std::string DescribeValues(const boost::program_options::variables_map& values,
                           const std::set<std::string>& but_for);

/// Prints "skald: STATUS" on standard error and returns `exit_code`.
int Report(const Status& status, int exit_code);

/// Splits "a,b,c"; empty parts are dropped.
std::vector<std::string> SplitList(const std::string& list);

}  // namespace skald::cli
