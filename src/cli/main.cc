#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "engine/version.h"

namespace {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const skald::cli::Arguments&);
};

constexpr Command kCommands[] = {
    {"transcribe", "turn audio and video files into text, subtitles or JSON", skald::cli::RunTranscribe},
    {"align", "find the times of words that are known to have been said", skald::cli::RunAlign},
    {"combine", "make one transcript of several systems' lattices or transcripts", skald::cli::RunCombine},
    {"graph", "build, describe or check a decoding graph", skald::cli::RunGraph},
    {"lm", "build, describe or apply a language model for rescoring", skald::cli::RunLm},
    {"model", "describe or check a model bundle", skald::cli::RunModel},
    {"index", "make, describe, merge and prune a keyword index", skald::cli::RunIndex},
    {"search", "find words and phrases in an index", skald::cli::RunSearch},
    {"report", "make a page of transcripts with player, alternatives and keyword hits",
     skald::cli::RunReport},
    {"score", "score transcripts against references", skald::cli::RunScore},
    {"bench", "measure media, vad, features, model, search or the whole pipeline", skald::cli::RunBench},
    {"jobs", "tell how far a job is whose outputs go to a folder", skald::cli::RunJobs},
    {"doctor", "tell what was found: devices, libraries, processor features, bundles", skald::cli::RunDoctor},
};

void PrintHelp(std::FILE* stream) {
  std::fprintf(stream, "Skald %s turns recorded speech into text.\n\nusage: skald COMMAND [OPTIONS]\n\n",
               skald::kVersion);
  for (const Command& command : kCommands)
    std::fprintf(stream, "  %-12s %s\n", command.name, command.summary);
  std::fprintf(stream,
               "\n`skald COMMAND --help` explains a command. First try: skald transcribe FILE\n"
               "Exit codes: 0 all well, 1 bad usage, 2 some inputs failed, 3 nothing could be done.\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    PrintHelp(stderr);
    return skald::cli::kBadUsage;
  }
  const std::string name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    PrintHelp(stdout);
    return skald::cli::kAllWell;
  }
  if (name == "--version") {
    std::printf("skald %s\n", skald::kVersion);
    return skald::cli::kAllWell;
  }
  const auto* command = std::find_if(std::begin(kCommands), std::end(kCommands),
                                     [&](const Command& c) { return name == c.name; });
  if (command == std::end(kCommands)) {
    std::fprintf(stderr, "skald: unknown command '%s' (see skald --help)\n", name.c_str());
    return skald::cli::kBadUsage;
  }
  arguments.erase(arguments.begin());
  try {
    return command->run(arguments);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "skald: out of memory\n");
    return skald::cli::kNothingDone;
  }
}
