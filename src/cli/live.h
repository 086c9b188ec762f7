#pragma once

#include <boost/program_options.hpp>
#include <string>

#include "engine/options.h"
#include "frontend/media/media_reader.h"

namespace skald::cli {

/// Options of --live beside the others of transcribe.
boost::program_options::options_description LiveArguments();

/// `skald transcribe --live INPUT`: prints words as they become stable, a line for each stretch between
/// pauses; with `as_json` an object a line for each time. Returns the exit code.
int TranscribeLive(const boost::program_options::variables_map& values, RecognizerOptions recognizer,
                   const MediaOptions& media, const std::string& input, bool as_json);

}  // namespace skald::cli
