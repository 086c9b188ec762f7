#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/input_list.h"
#include "cli/output_arguments.h"
#include "cli/progress_bar.h"
#include "cli/recognizer_arguments.h"
#include "cli/transcript_writer.h"
#include "engine/aligner.h"
#include "scoring/text_lines.h"

namespace skald::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr char kAbout[] =
    "Finds the times of words that are known to have been said. TEXT holds the words of the one INPUT; with "
    "--by-id it has\n"
    "a line for each input, \"ID WORDS\", where ID is the file's name without ending, and inputs without a "
    "line are left out.\n"
    "One input without --out prints on standard output.";

using WordsOfInput = std::map<std::string, std::vector<std::string>>;

std::vector<std::string> TakeFields(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view word = TakeField(line); !word.empty(); word = TakeField(line))
    words.emplace_back(word);
  return words;
}

/// Words by id; under "" without ids.
StatusOr<WordsOfInput> ReadWords(const std::string& path, bool by_id) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  WordsOfInput result;
  for (const TextLine& line : lines) {
    std::vector<std::string> words = TakeFields(line.text);
    if (!by_id) {
      std::vector<std::string>& all = result[""];
      all.insert(all.end(), words.begin(), words.end());
      continue;
    }
    const std::string id = words.front();
    words.erase(words.begin());
    if (!result.emplace(id, std::move(words)).second)
      return BrokenLine(path, line.number, "id '" + id + "' comes twice");
  }
  return result;
}

}  // namespace

int RunAlign(const Arguments& arguments) {
  po::options_description options("", 110);
  options.add(RecognizerArguments()).add(MediaArguments()).add(OutputArguments());
  po::options_description own("Alignment", 110);
  own.add_options()("text", po::value<std::string>(), "file with the words")(
      "by-id", po::bool_switch(), "the file has a line \"ID WORDS\" for each input")(
      "out", po::value<std::string>(), "folder for the outputs; made where it does not exist")(
      "format", po::value<std::string>()->default_value("ctm"),
      "comma-separated: ctm, json, srt, vtt, ttml, txt")("progress",
                                                         po::value<std::string>()->default_value("auto"),
                                                         "auto, none, bar or json, on standard error");
  options.add(own);
  const Parsed parsed =
      Parse(arguments, "skald align --text TEXT [OPTIONS] INPUT...", kAbout, options, "input");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const po::variables_map& values = parsed.values;
  if (values.count("input") == 0 || values.count("text") == 0)
    return Report(Status::InvalidArgument("align needs --text and an input (see skald align --help)"),
                  kBadUsage);
  auto recognizer_options = ReadRecognizerArguments(values);
  if (!recognizer_options.ok()) return Report(recognizer_options.status(), kBadUsage);
  const auto media = ReadMediaArguments(values);
  if (!media.ok()) return Report(media.status(), kBadUsage);
  const auto output = ReadOutputArguments(values);
  if (!output.ok()) return Report(output.status(), kBadUsage);
  const auto formats = ParseOutputFormats(values["format"].as<std::string>());
  if (!formats.ok()) return Report(formats.status(), kBadUsage);
  if (std::find(formats->begin(), formats->end(), OutputFormat::kLattice) != formats->end())
    return Report(Status::InvalidArgument("align has no lattices to write"), kBadUsage);
  const auto style = ParseProgressStyle(values["progress"].as<std::string>());
  if (!style.ok()) return Report(style.status(), kBadUsage);
  const std::string folder = values.count("out") != 0 ? values["out"].as<std::string>() : "";
  const bool by_id = values["by-id"].as<bool>();

  auto inputs = ExpandInputs(Texts(values, "input"));
  if (!inputs.ok()) return Report(inputs.status(), kNothingDone);
  const auto words = ReadWords(values["text"].as<std::string>(), by_id);
  if (!words.ok()) return Report(words.status(), kNothingDone);
  const auto key = [&](const Input& input) { return by_id ? fs::path(input.path).stem().string() : ""; };
  if (by_id) std::erase_if(*inputs, [&](const Input& input) { return !words->contains(key(input)); });
  if (inputs->empty()) return Report(Status::NotFound("no media with words among the inputs"), kNothingDone);
  if (!by_id && inputs->size() > 1)
    return Report(Status::InvalidArgument("several inputs need --by-id"), kBadUsage);
  if (folder.empty() && (inputs->size() > 1 || formats->size() > 1))
    return Report(Status::InvalidArgument("several inputs or formats need --out FOLDER"), kBadUsage);

  ProgressBar bar(*style);
  recognizer_options->search_device = "cpu";  // aligning takes little time
  auto recognizer = MakeRecognizer(*recognizer_options, &bar);
  if (!recognizer.ok()) return Report(recognizer.status(), kNothingDone);
  auto aligner = Aligner::Create(recognizer->get());
  if (!aligner.ok()) return Report(aligner.status(), kNothingDone);
  const TranscriptWriter writer(folder, *formats, *output, false);
  size_t done = 0, failed = 0;
  for (const Input& input : *inputs) {
    const auto found = words->find(key(input));
    const auto transcript = (*aligner)->Align(
        input.path, found == words->end() ? std::vector<std::string>() : found->second, *media);
    Status status = transcript.status();
    if (transcript.ok()) status = writer.Write(input.output_stem, {*transcript}).status();
    ++done;
    bar.Update(static_cast<double>(done) / static_cast<double>(inputs->size()), "aligning");
    if (status.ok()) continue;
    bar.Clear();
    ++failed;
    Report(status, kSomeFailed);
  }
  bar.Clear();
  return failed == 0 ? kAllWell : kSomeFailed;
}

}  // namespace skald::cli
