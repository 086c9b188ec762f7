#pragma once

#include <boost/program_options.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/progress_bar.h"
#include "engine/recognizer.h"

namespace skald::cli {

/// Options of every command that runs the recognizer: model, device, search.
boost::program_options::options_description RecognizerArguments();

/// The options as given; unset ones keep the engine's defaults. kInvalidArgument names what is out of range.
StatusOr<RecognizerOptions> ReadRecognizerArguments(const boost::program_options::variables_map& values);

/// Heads of "NAME[=WEIGHT],...".
StatusOr<std::vector<HeadShare>> ReadHeads(const std::string& list);

/// Options of every command that reads media.
boost::program_options::options_description MediaArguments();
StatusOr<MediaOptions> ReadMediaArguments(const boost::program_options::variables_map& values);

/// Shows the progress of a graph being built on `bar`.
BuildProgress BuildProgressOn(ProgressBar* bar);

/// Makes the recognizer, with progress of the graph build on `bar`.
StatusOr<std::unique_ptr<Recognizer>> MakeRecognizer(const RecognizerOptions& options, ProgressBar* bar);

}  // namespace skald::cli
