#include "cli/live.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/command.h"
#include "cli/progress_bar.h"
#include "cli/recognizer_arguments.h"
#include "engine/live_session.h"
#include "frontend/media/media_reader.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

double Rounded(double seconds) { return std::round(seconds * 1000.0) / 1000.0; }

void PrintJson(const LiveUpdate& update) {
  nlohmann::ordered_json words = nlohmann::ordered_json::array();
  for (const Word& word : update.words) {
    words.push_back({{"word", word.text}, {"start", Rounded(word.start_s)}, {"end", Rounded(word.end_s)}});
  }
  const nlohmann::ordered_json line = {
      {"heard", Rounded(update.heard_s)}, {"words", words}, {"line_ended", update.line_ended}};
  std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

/// Prints words with spaces between them, and ends lines that have any.
class TextPrinter {
 public:
  void Print(const LiveUpdate& update) {
    for (const Word& word : update.words) {
      std::printf(line_is_empty_ ? "%s" : " %s", word.text.c_str());
      line_is_empty_ = false;
    }
    if (update.line_ended && !line_is_empty_) {
      std::printf("\n");
      line_is_empty_ = true;
    }
  }

 private:
  bool line_is_empty_ = true;
};

}  // namespace

po::options_description LiveArguments() {
  const LiveOptions defaults;
  po::options_description options("Live", 110);
  options.add_options()("live", po::bool_switch(),
                        "print words of one input while it is heard; printed words never change")(
      "live-delay", po::value<double>()->default_value(defaults.max_delay_s),
      "seconds after which a word is decided even where it is in doubt")(
      "live-lookahead", po::value<double>()->default_value(defaults.lookahead_s),
      "seconds of audio that the acoustic model sees after a sound before it counts")(
      "live-step", po::value<double>()->default_value(defaults.step_s),
      "seconds of audio between two looks of the acoustic model");
  return options;
}

int TranscribeLive(const po::variables_map& values, RecognizerOptions recognizer_options,
                   const MediaOptions& media, const std::string& input, bool as_json) {
  LiveOptions live;
  live.max_delay_s = values["live-delay"].as<double>();
  live.lookahead_s = values["live-lookahead"].as<double>();
  live.step_s = values["live-step"].as<double>();
  if (Status status = live.Validate(); !status.ok()) return Report(status, kBadUsage);
  if (media.track < 0 || media.split_channels) {
    return Report(Status::InvalidArgument("--live takes one track and mixes its channels"), kBadUsage);
  }
  auto reader = MediaReader::Open(input, media);
  if (!reader.ok()) return Report(reader.status(), kSomeFailed);

  TextPrinter text;
  const auto sink = [&](const LiveUpdate& update) {
    if (as_json) {
      PrintJson(update);
    } else {
      text.Print(update);
    }
    std::fflush(stdout);
  };
  ProgressBar bar(ProgressStyle::kNone);
  auto session = LiveSession::Create(std::move(recognizer_options), live, sink, BuildProgressOn(&bar));
  if (!session.ok()) return Report(session.status(), kNothingDone);
  for (;;) {
    StatusOr<std::optional<PcmBlock>> block = (*reader)->Read();
    if (!block.ok()) return Report(std::move(block).status().InFile(input), kSomeFailed);
    if (!block->has_value()) break;
    const Status status = (*session)->Push((*block)->first_sample, (*block)->samples);
    if (!status.ok()) return Report(status, kSomeFailed);
  }
  const Status status = (*session)->Finish();
  return status.ok() ? kAllWell : Report(status, kSomeFailed);
}

}  // namespace skald::cli
