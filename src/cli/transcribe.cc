#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
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

namespace skald::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr char kAbout[] =
    "Turns speech in audio and video files into text. INPUT is a file, a folder (searched for media), a "
    "manifest\n"
    "(.txt: a path a line; .jsonl: objects with \"path\"), or - for standard input. One input without --out "
    "prints\n"
    "its text on standard output; with --out every input gets files named after it in that folder. A file "
    "that\n"
    "cannot be transcribed is named on standard error and does not disturb the others.";

/// Where results go: files below a folder, or standard output.
class Writer {
 public:
  Writer(std::string folder, std::vector<OutputFormat> formats, OutputOptions options,
         const std::vector<Input>& inputs)
      : folder_(std::move(folder)),
        formats_(std::move(formats)),
        options_(std::move(options)),
        inputs_(inputs) {}

  Status Write(size_t index, const std::vector<Transcript>& transcripts) {
    OutputOptions options = options_;
    options.several_tracks = transcripts.size() > 1;
    for (const Transcript& transcript : transcripts) {
      for (const OutputFormat format : formats_) {
        const std::string text = FormatTranscript(transcript, format, options);
        if (folder_.empty()) {
          if (inputs_.size() > 1 && format != OutputFormat::kLattice)
            std::printf("== %s\n", transcript.source.path.c_str());
          std::fwrite(text.data(), 1, text.size(), stdout);
          std::fflush(stdout);
          continue;
        }
        std::string name = inputs_[index].output_stem;
        if (options.several_tracks) name += fmt::format(".track{}", transcript.source.track);
        const fs::path path = fs::path(folder_) / (name + "." + FileExtension(format, options));
        std::error_code error;
        fs::create_directories(path.parent_path(), error);
        if (error) return Status::Io(error.message()).InFile(path.parent_path().string());
        SKALD_RETURN_IF_ERROR(WriteFileAtomically(path.string(), text));
      }
    }
    return Status::Ok();
  }

 private:
  const std::string folder_;
  const std::vector<OutputFormat> formats_;
  const OutputOptions options_;
  const std::vector<Input>& inputs_;
};

/// Everything the command line asks for, checked.
struct Request {
  RecognizerOptions recognizer;
  MediaOptions media;
  OutputOptions output;
  std::vector<OutputFormat> formats;
  ProgressStyle progress = ProgressStyle::kNone;
  std::string out_folder;
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
  return request;
}

int Transcribe(const Request& request, const std::vector<Input>& inputs) {
  ProgressBar bar(request.progress);
  auto recognizer = MakeRecognizer(request.recognizer, &bar);
  if (!recognizer.ok()) return Report(recognizer.status(), kNothingDone);

  std::vector<std::string> paths;
  for (const Input& input : inputs) paths.push_back(input.path);
  Writer writer(request.out_folder, request.formats, request.output, inputs);
  Stopwatch watch;
  size_t index = 0;
  size_t failed = 0;
  const auto sink = [&](FileResult result) {
    bar.Clear();
    Status status = std::move(result.status);
    if (status.ok()) status = writer.Write(index, result.transcripts);
    ++index;
    if (!status.ok()) {
      ++failed;
      Report(status, kSomeFailed);
      return;
    }
    for (const Transcript& transcript : result.transcripts) {
      for (const Warning& warning : transcript.warnings) {
        std::fprintf(stderr, "skald: %s: warning at %.2f s: %s\n", result.path.c_str(), warning.time_s,
                     warning.what.c_str());
      }
      if (&transcript == &result.transcripts.front() && transcript.segments.empty()) {
        std::fprintf(stderr, "skald: %s: no speech found\n", result.path.c_str());
      }
    }
  };
  const auto progress = [&](const PipelineProgress& now) {
    bar.Update(static_cast<double>(now.files_done) / static_cast<double>(now.files),
               fmt::format("{} of {} files, {:.0f} s of audio, {:.0f} x real time", now.files_done, now.files,
                           now.audio_s, now.audio_s / watch.Seconds()));
  };
  (*recognizer)->TranscribeFiles(paths, request.media, sink, progress);
  bar.Clear();
  for (const std::string& note : (*recognizer)->info().notes) std::fprintf(stderr, "skald: %s\n", note.c_str());
  return failed == 0 ? kAllWell : kSomeFailed;
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
      "auto, none, bar or json, on standard error");
  options.add(outputs).add(LiveArguments());
  const Parsed parsed = Parse(arguments, "skald transcribe [OPTIONS] INPUT...", kAbout, options, "input");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  if (parsed.values.count("input") == 0) {
    return Report(Status::InvalidArgument("nothing to transcribe (see skald transcribe --help)"), kBadUsage);
  }
  const StatusOr<Request> request = ReadRequest(parsed.values);
  if (!request.ok()) return Report(request.status(), kBadUsage);
  const StatusOr<std::vector<Input>> inputs =
      ExpandInputs(parsed.values["input"].as<std::vector<std::string>>());
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
