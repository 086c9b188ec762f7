#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "engine/job_journal.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Tells how far the job is whose outputs go to FOLDER (skald transcribe --out FOLDER), also while it "
    "runs: "
    "files\n"
    "waiting, under way, done and failed, with the reason of every failure, its speed and the time that is "
    "left.";

/// Seconds that what is left will take at the speed so far; negative where that is not known.
double RemainingSeconds(const JobSummary& summary) {
  if (summary.span_files == 0 || summary.span_s <= 0) return -1;
  return static_cast<double>(summary.waiting + summary.running) * summary.span_s /
         static_cast<double>(summary.span_files);
}

void PrintJson(const JobSummary& summary) {
  nlohmann::ordered_json json = {{"files", summary.files()},   {"waiting", summary.waiting},
                                 {"running", summary.running}, {"done", summary.done},
                                 {"failed", summary.failed},   {"audio_s", summary.audio_s}};
  if (summary.span_s > 0) {
    json["times_real_time"] = summary.span_audio_s / summary.span_s;
    json["files_per_s"] = static_cast<double>(summary.span_files) / summary.span_s;
  }
  if (const double remaining = RemainingSeconds(summary); remaining >= 0) json["remaining_s"] = remaining;
  json["failures"] = nlohmann::ordered_json::array();
  for (const JobFailure& failure : summary.failures) {
    json["failures"].push_back({{"path", failure.path}, {"reason", failure.reason}});
  }
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

void PrintText(const JobSummary& summary) {
  std::printf("%lld files: %lld done, %lld failed, %lld under way, %lld waiting; %.0f s of audio done\n",
              static_cast<long long>(summary.files()), static_cast<long long>(summary.done),
              static_cast<long long>(summary.failed), static_cast<long long>(summary.running),
              static_cast<long long>(summary.waiting), summary.audio_s);
  if (summary.span_s > 0) {
    std::printf("%.1f x real time, %.2f files/s since the job was taken up last\n",
                summary.span_audio_s / summary.span_s,
                static_cast<double>(summary.span_files) / summary.span_s);
  }
  if (const double remaining = RemainingSeconds(summary);
      remaining >= 0 && summary.waiting + summary.running > 0) {
    std::printf("about %.0f s left\n", remaining);
  }
  for (const JobFailure& failure : summary.failures) std::printf("failed: %s\n", failure.reason.c_str());
}

}  // namespace

int RunJobs(const Arguments& arguments) {
  po::options_description options("Options", 110);
  options.add_options()("json", po::bool_switch(), "print JSON");
  const Parsed parsed = Parse(arguments, "skald jobs [OPTIONS] FOLDER", kAbout, options, "folder");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const std::vector<std::string> folders = Texts(parsed.values, "folder");
  if (folders.size() != 1) {
    return Report(Status::InvalidArgument("jobs takes one folder (see skald jobs --help)"), kBadUsage);
  }
  const auto summary = JobJournal::ReadSummary(folders.front());
  if (!summary.ok()) return Report(summary.status(), kNothingDone);
  if (parsed.values["json"].as<bool>()) {
    PrintJson(*summary);
  } else {
    PrintText(*summary);
  }
  return summary->failed == 0 ? kAllWell : kSomeFailed;
}

}  // namespace skald::cli
