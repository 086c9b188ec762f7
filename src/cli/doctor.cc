#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "engine/environment.h"

namespace skald::cli {

int RunDoctor(const Arguments& arguments) {
  const Parsed parsed =
      Parse(arguments, "skald doctor",
            "Tells what was found: processor features, devices, libraries, the default model.\n"
            "Exit code 3 where transcription cannot work.",
            {}, "");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const std::vector<Finding> findings = ExamineEnvironment();
  for (const Finding& finding : findings) {
    std::printf("%s %-22s %s\n", finding.good ? "ok" : "--", finding.what.c_str(), finding.found.c_str());
  }
  const bool well =
      std::all_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.good; });
  return well ? kAllWell : kNothingDone;
}

}  // namespace skald::cli
