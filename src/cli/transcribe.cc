#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "cli/command.h"
#include "cli/description_arguments.h"
#include "cli/input_list.h"
#include "cli/live.h"
#include "cli/output_arguments.h"
#include "cli/recognizer_arguments.h"
#include "cli/transcript_writer.h"
#include "engine/job_journal.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Turns speech in audio and video files into text. INPUT is a file, a folder (searched for media), a "
    "manifest\n"
    "(.txt: a path a line; .jsonl: objects with \"path\"), or - for standard input. One input without --out "
    "prints\n"
    "its text on standard output; with --out every input gets files named after it in that folder. A file "
    "that\n"
    "cannot be transcribed is named on standard error and does not disturb the others. A run with --out that "
    "was\n"
    "interrupted goes on where it stood when it is started again; several at once share the inputs (see "
    "skald "
    "jobs).";

/// Everything the command line asks for, checked.
struct Request {
  RecognizerOptions recognizer;
  MediaOptions media;
  OutputOptions output;
  std::vector<OutputFormat> formats;
  ProgressStyle progress = ProgressStyle::kNone;
  std::string out_folder;
  JobJournal::Redo redo = JobJournal::Redo::kNothing;
  std::string options;  ///< all that outputs depend on, as text
};

StatusOr<Request> ReadRequest(const po::variables_map& values) {
  Request request;
  SKALD_ASSIGN_OR_RETURN(request.recognizer, ReadRecognizerArguments(values));
  SKALD_ASSIGN_OR_RETURN(request.media, ReadMediaArguments(values));
  SKALD_ASSIGN_OR_RETURN(request.output, ReadOutputArguments(values));
  SKALD_ASSIGN_OR_RETURN(request.recognizer.description, ReadDescriptionArguments(values));
  request.recognizer.raw_confidences = values["raw-confidences"].as<bool>();
  request.output.split_channels = request.media.split_channels;
  SKALD_ASSIGN_OR_RETURN(request.formats, ParseOutputFormats(values["format"].as<std::string>()));
  if (std::find(request.formats.begin(), request.formats.end(), OutputFormat::kLattice) !=
      request.formats.end()) {
    request.recognizer.description.lattice_type = request.output.lattice_type;
  }
  SKALD_ASSIGN_OR_RETURN(request.progress, ParseProgressStyle(values["progress"].as<std::string>()));
  if (values.count("out") != 0) request.out_folder = values["out"].as<std::string>();
  if (request.out_folder.empty() && request.formats.size() > 1) {
    return Status::InvalidArgument("several formats need --out FOLDER");
  }
  if (values["retry-failed"].as<bool>()) request.redo = JobJournal::Redo::kFailed;
  if (values["redo"].as<bool>()) request.redo = JobJournal::Redo::kAll;
  if (request.out_folder.empty() && request.redo != JobJournal::Redo::kNothing) {
    return Status::InvalidArgument("--redo and --retry-failed need --out FOLDER");
  }
  request.options = DescribeValues(values, {"input", "out", "progress", "threads", "redo", "retry-failed",
                                            "live", "live-delay", "live-lookahead", "live-step"});
  return request;
}

/// What a run hands to the recognizer and gets back, with or without a journal. Thread safe.
class Run {
 public:
  Run(const Request& request, const std::vector<Input>& inputs, ProgressBar* bar)
      : writer_(request.out_folder, request.formats, request.output, inputs.size() > 1),
        inputs_(inputs),
        bar_(bar) {}

  Status OpenJournal(const Request& request) {
    std::vector<JobFile> files;
    for (const Input& input : inputs_) files.push_back({input.path, input.output_stem});
    SKALD_ASSIGN_OR_RETURN(journal_,
                           JobJournal::Open(request.out_folder, files, request.options, request.redo));
    return Status::Ok();
  }

  /// Inputs that are left to do.
  StatusOr<int64_t> Left() {
    if (journal_ == nullptr) return static_cast<int64_t>(inputs_.size());
    SKALD_ASSIGN_OR_RETURN(const JobSummary summary, journal_->Summary());
    return summary.waiting;
  }

  std::optional<std::string> Next() {
    std::lock_guard lock(mutex_);
    if (journal_ == nullptr) {
      if (taken_.size() == inputs_.size()) return std::nullopt;
      taken_.push_back({inputs_[taken_.size()].path, inputs_[taken_.size()].output_stem});
      return taken_.back().path;
    }
    StatusOr<std::optional<JobFile>> file = journal_->Claim();
    if (!file.ok()) {
      Fail(file.status());
      return std::nullopt;
    }
    if (!file->has_value()) return std::nullopt;
    taken_.push_back(**file);
    return taken_.back().path;
  }

  void Take(FileResult result) {
    bar_->Clear();
    std::lock_guard lock(mutex_);
    const JobFile& file = taken_[delivered_++];
    JobOutcome outcome;
    outcome.status = std::move(result.status);
    if (outcome.status.ok()) {
      StatusOr<std::vector<std::string>> written = writer_.Write(file.output_stem, result.transcripts);
      outcome.status = written.status();
      if (written.ok()) outcome.outputs = std::move(*written);
    }
    if (outcome.status.ok()) {
      ReportWarnings(result);
    } else {
      Fail(outcome.status);
    }
    for (const Transcript& transcript : result.transcripts) {
      outcome.audio_s += transcript.timing.audio_s;
      outcome.wall_s = std::max(outcome.wall_s, transcript.timing.wall_s);
    }
    if (journal_ == nullptr) return;
    if (Status status = journal_->Finish(file, outcome); !status.ok()) Fail(status);
  }

  /// Files of this run and, with a journal, of earlier ones that failed and were not tried again.
  bool anything_failed() const { return failed_ > 0; }
  void ReportEarlierFailures() {
    if (journal_ == nullptr) return;
    const StatusOr<JobSummary> summary = journal_->Summary();
    if (!summary.ok()) return Fail(summary.status());
    const int64_t earlier = summary->failed - failed_;
    if (earlier <= 0) return;
    std::fprintf(stderr, "skald: %lld files failed before and were not tried again (--retry-failed does)\n",
                 static_cast<long long>(earlier));
    failed_ += earlier;
  }

 private:
  void Fail(const Status& status) {
    ++failed_;
    Report(status, kSomeFailed);
  }

  static void ReportWarnings(const FileResult& result) {
    for (const Transcript& transcript : result.transcripts) {
      for (const Warning& warning : transcript.warnings) {
        std::fprintf(stderr, "skald: %s: warning at %.2f s: %s\n", result.path.c_str(), warning.time_s,
                     warning.what.c_str());
      }
      if (&transcript == &result.transcripts.front() && transcript.segments.empty()) {
        std::fprintf(stderr, "skald: %s: no speech found\n", result.path.c_str());
      }
    }
  }

  const TranscriptWriter writer_;
  const std::vector<Input>& inputs_;
  ProgressBar* const bar_;
  std::unique_ptr<JobJournal> journal_;
  std::mutex mutex_;            // guards the rest
  std::vector<JobFile> taken_;  // in the order in which results come
  size_t delivered_ = 0;
  int64_t failed_ = 0;
};

int Transcribe(const Request& request, const std::vector<Input>& inputs) {
  ProgressBar bar(request.progress);
  Run run(request, inputs, &bar);
  if (!request.out_folder.empty()) {
    if (Status status = run.OpenJournal(request); !status.ok()) return Report(status, kNothingDone);
  }
  const StatusOr<int64_t> left = run.Left();
  if (!left.ok()) return Report(left.status(), kNothingDone);
  if (*left == 0) {
    run.ReportEarlierFailures();
    std::fprintf(stderr, "skald: nothing is left to do here (--redo does all again)\n");
    return run.anything_failed() ? kSomeFailed : kAllWell;
  }
  auto recognizer = MakeRecognizer(request.recognizer, &bar);
  if (!recognizer.ok()) return Report(recognizer.status(), kNothingDone);

  Stopwatch watch;
  const auto progress = [&](const PipelineProgress& now) {
    bar.Update(static_cast<double>(now.files_done) / static_cast<double>(now.files),
               fmt::format("{} of {} files, {:.0f} s of audio, {:.0f} x real time", now.files_done, now.files,
                           now.audio_s, now.audio_s / watch.Seconds()));
  };
  (*recognizer)
      ->TranscribeInputs([&] { return run.Next(); }, *left, request.media,
                         [&](FileResult result) { run.Take(std::move(result)); }, progress);
  bar.Clear();
  for (const std::string& note : (*recognizer)->info().notes)
    std::fprintf(stderr, "skald: %s\n", note.c_str());
  run.ReportEarlierFailures();
  return run.anything_failed() ? kSomeFailed : kAllWell;
}

}  // namespace

int RunTranscribe(const Arguments& arguments) {
  po::options_description options("", 110);
  options.add(RecognizerArguments()).add(DescriptionArguments()).add(MediaArguments()).add(OutputArguments());
  po::options_description outputs("Outputs", 110);
  outputs.add_options()("out", po::value<std::string>(),
                        "folder for the outputs; made where it does not exist")(
      "format", po::value<std::string>()->default_value("txt"),
      "comma-separated: txt, json, srt, vtt, ttml, ctm, lattice")(
      "progress", po::value<std::string>()->default_value("auto"),
      "auto, none, bar or json, on standard error")("retry-failed", po::bool_switch(),
                                                    "with --out: try files again that failed before")(
      "redo", po::bool_switch(), "with --out: do files again that were done before");
  options.add(outputs).add(LiveArguments());
  const Parsed parsed = Parse(arguments, "skald transcribe [OPTIONS] INPUT...", kAbout, options, "input");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  if (parsed.values.count("input") == 0) {
    return Report(Status::InvalidArgument("nothing to transcribe (see skald transcribe --help)"), kBadUsage);
  }
  const StatusOr<Request> request = ReadRequest(parsed.values);
  if (!request.ok()) return Report(request.status(), kBadUsage);
  const StatusOr<std::vector<Input>> inputs = ExpandInputs(Texts(parsed.values, "input"));
  if (!inputs.ok()) return Report(inputs.status(), kNothingDone);
  if (inputs->empty()) return Report(Status::NotFound("no media among the inputs"), kNothingDone);
  if (!parsed.values["live"].as<bool>()) return Transcribe(*request, *inputs);
  const bool as_json = request->formats.front() == OutputFormat::kJson;
  if (inputs->size() != 1 || !request->out_folder.empty() ||
      (!as_json && request->formats.front() != OutputFormat::kText)) {
    return Report(Status::InvalidArgument("--live takes one input and prints txt or json"), kBadUsage);
  }
  return TranscribeLive(parsed.values, request->recognizer, request->media, inputs->front().path, as_json);
}

}  // namespace skald::cli
