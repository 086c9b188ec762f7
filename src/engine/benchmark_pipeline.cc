#include <fmt/format.h>
#include <utility>

#include "engine/benchmark_stages.h"
#include "engine/device_segment_search.h"

namespace skald {

Status BenchmarkPipeline(Recognizer* recognizer, const std::vector<std::string>& paths,
                         const BenchmarkOptions& benchmark, bool from_media, BenchmarkResult* result) {
  std::vector<std::string> inputs;
  std::vector<std::vector<float>> decoded;
  std::vector<PcmView> samples;
  if (!from_media) {
    for (const std::string& path : paths) {
      SKALD_ASSIGN_OR_RETURN(std::vector<float> file, DecodeFile(path));
      decoded.push_back(std::move(file));
    }
  }
  for (int copy = 0; copy < benchmark.copies; ++copy) {
    inputs.insert(inputs.end(), paths.begin(), paths.end());
    samples.insert(samples.end(), decoded.begin(), decoded.end());
  }
  Timing sum;
  Status failure;
  const ResultSink sink = [&](FileResult file) {
    if (!file.status.ok()) failure = file.status;
    for (const Transcript& transcript : file.transcripts) {
      sum.audio_s += transcript.timing.audio_s;
      sum.decode_s += transcript.timing.decode_s;
      sum.features_s += transcript.timing.features_s;
      sum.model_s += transcript.timing.model_s;
      sum.search_s += transcript.timing.search_s;
    }
  };
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    sum = {};
    result->occupancy = from_media ? recognizer->TranscribeFiles(inputs, {}, sink)
                                   : recognizer->TranscribeSamples(samples, sink);
    return failure;
  }));
  result->audio_s = sum.audio_s;
  const RecognizerInfo& info = recognizer->info();
  double search_device_s = 0;
  int lanes = 0;
  for (const auto& search : recognizer->device_searches()) {
    search_device_s += search->counts().device_s;
    lanes += search->counts().lanes;
  }
  result->details = {
      {"workers", fmt::format("{}", info.threads)},
      {"model on, search on", info.device + ", " + info.search_device},
      {"precision", info.precision},
      {"media, thread seconds", fmt::format("{:.3f}", sum.decode_s)},
      {info.device == "cpu" ? "features, thread seconds" : "features, device seconds by events",
       fmt::format("{:.4f}", sum.features_s)},
      {info.device == "cpu" ? "model, thread seconds" : "model, device seconds by events",
       fmt::format("{:.4f}", sum.model_s)},
      {"search and description, thread seconds", fmt::format("{:.3f}", sum.search_s)}};
  if (lanes > 0) {
    const double runs = benchmark.warm_up_runs + benchmark.repeats;
    result->details.push_back(
        {"search, device seconds by events, mean", fmt::format("{:.4f}", search_device_s / runs)});
    result->details.push_back({"lanes", fmt::format("{}", lanes)});
  }
  for (const std::string& note : info.notes) result->details.push_back({"note", note});
  return Status::Ok();
}

}  // namespace skald
