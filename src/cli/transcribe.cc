#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stopwatch.h"
#include "cli/command.h"
#include "cli/description_arguments.h"
#include "cli/input_list.h"
#include "cli/live.h"
#include "cli/output_arguments.h"
#include "cli/recognizer_arguments.h"
#include "cli/run_report.h"
#include "cli/transcript_writer.h"
#include "cli/transcription_run.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

/// Threads that write outputs to a folder.
constexpr int kWriters = 2;

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
  std::string report_path;  ///< empty: none
  std::string options;      ///< all that outputs depend on, as text
};

StatusOr<Request> ReadRequest(const po::variables_map& values) {
  Request request;
  SKALD_ASSIGN_OR_RETURN(request.recognizer, ReadRecognizerArguments(values));
  if (values.count("heads") != 0) {
    SKALD_ASSIGN_OR_RETURN(request.recognizer.heads, ReadHeads(values["heads"].as<std::string>()));
  }
  SKALD_ASSIGN_OR_RETURN(request.media, ReadMediaArguments(values));
  SKALD_ASSIGN_OR_RETURN(request.output, ReadOutputArguments(values));
  SKALD_RETURN_IF_ERROR(ReadDescriptionArguments(values, &request.recognizer));
  request.output.split_channels = request.media.split_channels;
  SKALD_ASSIGN_OR_RETURN(request.formats, ParseOutputFormats(values["format"].as<std::string>()));
  if (std::find(request.formats.begin(), request.formats.end(), OutputFormat::kLattice) !=
      request.formats.end()) {
    request.recognizer.description.lattice_type = request.output.lattice_type;
  }
  SKALD_RETURN_IF_ERROR(request.recognizer.Validate());
  SKALD_ASSIGN_OR_RETURN(request.progress, ParseProgressStyle(values["progress"].as<std::string>()));
  if (values.count("report") != 0) request.report_path = values["report"].as<std::string>();
  if (values.count("out") != 0) request.out_folder = values["out"].as<std::string>();
  if (request.out_folder.empty() && request.formats.size() > 1) {
    return Status::InvalidArgument("several formats need --out FOLDER");
  }
  if (values["retry-failed"].as<bool>()) request.redo = JobJournal::Redo::kFailed;
  if (values["redo"].as<bool>()) request.redo = JobJournal::Redo::kAll;
  if (request.out_folder.empty() && request.redo != JobJournal::Redo::kNothing) {
    return Status::InvalidArgument("--redo and --retry-failed need --out FOLDER");
  }
  request.options =
      DescribeValues(values, {"input", "out", "progress", "report", "threads", "stall-timeout", "redo",
                              "retry-failed", "live", "live-delay", "live-lookahead", "live-step"});
  return request;
}

int Transcribe(const Request& request, const std::vector<Input>& inputs) {
  ProgressBar bar(request.progress);
  TranscriptWriter writer(request.out_folder, request.formats, request.output, inputs.size() > 1);
  TranscriptionRun run(std::move(writer), inputs, &bar);
  if (!request.out_folder.empty()) {
    const Status status = run.OpenJournal(request.out_folder, request.options, request.redo);
    if (!status.ok()) return Report(status, kNothingDone);
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
  // Outputs of a folder may come in any order, and grow while their inputs are under way.
  const bool to_folder = !request.out_folder.empty();
  const int writers = to_folder ? kWriters : 1;
  const PipelineReport report =
      (*recognizer)
          ->TranscribeInputs([&] { return run.Next(); }, *left, request.media,
                             [&](FileResult result) { run.Take(std::move(result)); }, progress, writers,
                             to_folder ? &run : nullptr);
  bar.Clear();
  std::vector<std::string> notes = (*recognizer)->info().notes;
  notes.insert(notes.end(), report.notes.begin(), report.notes.end());
  for (const std::string& note : notes) std::fprintf(stderr, "skald: %s\n", note.c_str());
  run.ReportEarlierFailures();
  bar.Report(ReportAsJson(report));
  if (request.progress == ProgressStyle::kBar)
    std::fprintf(stderr, "skald: %s\n", ReportInShort(report).c_str());
  if (!request.report_path.empty()) {
    const Status status = WriteFileAtomically(request.report_path, ReportAsJson(report).dump(2) + "\n");
    if (!status.ok()) return Report(status, kSomeFailed);
  }
  return run.anything_failed() ? kSomeFailed : kAllWell;
}

}  // namespace

int RunTranscribe(const Arguments& arguments) {
  po::options_description options("", 110);
  po::options_description heads("Heads", 110);
  heads.add_options()(
      "heads", po::value<std::string>(),
      "several heads of the model, NAME[=WEIGHT],..., best one first: each is searched, their "
      "lattices are combined");
  options.add(RecognizerArguments())
      .add(heads)
      .add(DescriptionArguments())
      .add(MediaArguments())
      .add(OutputArguments());
  po::options_description outputs("Outputs", 110);
  outputs.add_options()("out", po::value<std::string>(),
                        "folder for the outputs; made where it does not exist")(
      "format", po::value<std::string>()->default_value("txt"),
      "comma-separated: txt, json, srt, vtt, ttml, ctm, lattice")(
      "progress", po::value<std::string>()->default_value("auto"),
      "auto, none, bar or json, on standard error")(
      "report", po::value<std::string>(),
      "JSON file for what the threads did: busy and waiting seconds of every stage")(
      "retry-failed", po::bool_switch(), "with --out: try files again that failed before")(
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
  if (!request->recognizer.heads.empty()) {
    return Report(Status::InvalidArgument("--live hears with one head, not with several"), kBadUsage);
  }
  const bool as_json = request->formats.front() == OutputFormat::kJson;
  if (inputs->size() != 1 || !request->out_folder.empty() ||
      (!as_json && request->formats.front() != OutputFormat::kText)) {
    return Report(Status::InvalidArgument("--live takes one input and prints txt or json"), kBadUsage);
  }
  return TranscribeLive(parsed.values, request->recognizer, request->media, inputs->front().path, as_json);
}

}  // namespace skald::cli
