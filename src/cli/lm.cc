#include <cmath>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stopwatch.h"
#include "cli/command.h"
#include "decoder/rescore/build_ngram_model.h"
#include "decoder/rescore/ngram_model.h"
#include "engine/recognizer.h"
#include "engine/rescorer.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "build ARPA         makes a model file for rescoring from an ARPA file, plain or gzip; without --out it "
    "goes to the cache,\n"
    "                   where transcribe --rescore finds it\n"
    "info FILE          prints sizes and what the model was made from\n"
    "score FILE TEXT    probability and perplexity of sentences, a line each, and how fast they were scored; "
    "FILE may be ARPA";

int Build(const std::string& arpa, const po::variables_map& values) {
  Stopwatch watch;
  std::string path;
  if (values.count("out") != 0) {
    path = values["out"].as<std::string>();
    if (const Status status = BuildNgramModelFromArpa(arpa, path); !status.ok())
      return Report(status, kNothingDone);
  } else {
    const auto cached = CachedNgramModel(arpa, DefaultCacheFolder(), {});
    if (!cached.ok()) return Report(cached.status(), kNothingDone);
    path = *cached;
  }
  const auto model = NgramModel::Open(path);
  if (!model.ok()) return Report(model.status(), kNothingDone);
  std::printf("%s: %llu n-grams, %.1f MB, %.1f s\n", path.c_str(),
              static_cast<unsigned long long>(model->info().arc_count),
              static_cast<double>(model->info().file_size) / 1e6, watch.Seconds());
  return kAllWell;
}

int Info(const std::string& path) {
  Stopwatch watch;
  const auto model = NgramModel::Open(path);
  if (!model.ok()) return Report(model.status(), kNothingDone);
  const double open_s = watch.Seconds();
  const NgramModelInfo& info = model->info();
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-16s %s\n", name, value.c_str());
  };
  std::string counts;
  for (const uint64_t count : info.ngram_counts)
    counts += fmt::format("{}{}", counts.empty() ? "" : " / ", count);
  line("n-grams", counts);
  line("words", fmt::format("{}", info.word_count));
  line("histories", fmt::format("{}", info.state_count));
  line("values", fmt::format("{} different probabilities and weights, kept exactly", info.value_count));
  line("size", fmt::format("{:.1f} MB, {:.2f} bytes an n-gram", static_cast<double>(info.file_size) / 1e6,
                           static_cast<double>(info.file_size) / static_cast<double>(info.arc_count)));
  line("open and check", fmt::format("{:.1f} ms", 1e3 * open_s));
  line("content hash", model->content_hash());
  line("recipe", info.recipe_json);
  return kAllWell;
}

/// Words of one line each, as numbers of the model; unknown words as <unk>, or kNoWord where there is none.
std::vector<std::vector<uint32_t>> NumberLines(const NgramModel& model, const std::string& text) {
  std::vector<std::string_view> words;
  std::vector<size_t> ends;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t before = words.size();
    while (!line.empty()) {
      const size_t first = line.find_first_not_of(" \t\r");
      if (first == line.npos) break;
      line.remove_prefix(first);
      const size_t length = std::min(line.find_first_of(" \t\r"), line.size());
      words.push_back(line.substr(0, length));
      line.remove_prefix(length);
    }
    if (words.size() > before) ends.push_back(words.size());
  }
  const std::vector<uint32_t> numbers = model.FindWords(words.size(), [&](size_t i) { return words[i]; });
  std::vector<std::vector<uint32_t>> lines;
  size_t begin = 0;
  for (const size_t end : ends) {
    lines.emplace_back(numbers.begin() + static_cast<ptrdiff_t>(begin),
                       numbers.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
  return lines;
}

int Score(const std::string& path, const std::string& text_path, bool print_sentences) {
  const auto cached = CachedNgramModel(path, DefaultCacheFolder(), {});
  if (!cached.ok()) return Report(cached.status(), kNothingDone);
  const auto model = NgramModel::Open(*cached);
  if (!model.ok()) return Report(model.status(), kNothingDone);
  const auto text = ReadMaybeGzippedFile(text_path);
  if (!text.ok()) return Report(text.status(), kNothingDone);
  const std::vector<std::vector<uint32_t>> lines = NumberLines(*model, *text);

  int64_t log_prob = 0, known_log_prob = 0;
  size_t words = 0, unknown = 0;
  const std::clock_t begin = std::clock();
  std::vector<int64_t> sentences;
  for (const std::vector<uint32_t>& line : lines) {
    NgramModel::State state = model->start();
    int64_t sentence = 0;
    for (const uint32_t word : line) {
      const bool is_unknown = word == NgramModel::kNoWord || word == model->unknown();
      if (word == NgramModel::kNoWord && model->unknown() == NgramModel::kNoWord) {
        ++unknown;
        state = model->no_history();
        continue;
      }
      const int64_t score = model->Score(is_unknown ? model->unknown() : word, &state);
      sentence += score;
      unknown += is_unknown;
      known_log_prob += is_unknown ? 0 : score;
    }
    if (model->sentence_end() != NgramModel::kNoWord) {
      const int64_t score = model->Score(model->sentence_end(), &state);
      sentence += score;
      known_log_prob += score;
      ++words;
    }
    words += line.size();
    log_prob += sentence;
    sentences.push_back(sentence);
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  if (print_sentences) {
    for (const int64_t sentence : sentences) std::printf("%.6f\n", static_cast<double>(sentence) * 1e-6);
    return kAllWell;
  }
  const auto perplexity = [](int64_t sum, size_t count) {
    return std::pow(10.0, -1e-6 * static_cast<double>(sum) / static_cast<double>(count));
  };
  std::printf("%zu sentences, %zu words and sentence ends, %zu unknown\n", lines.size(), words, unknown);
  if (words > unknown) {
    std::printf("log10 probability %.6f, perplexity %.2f, without unknown words %.2f\n",
                static_cast<double>(log_prob) * 1e-6, perplexity(log_prob, words),
                perplexity(known_log_prob, words - unknown));
    std::printf("%.2f million queries a second of processor time\n",
                static_cast<double>(words) / seconds * 1e-6);
  }
  return kAllWell;
}

}  // namespace

int RunLm(const Arguments& arguments) {
  po::options_description options("Options", 110);
  options.add_options()("out", po::value<std::string>(), "build: model file to write")(
      "sentences", po::bool_switch(), "score: print the log10 probability of each sentence, nothing else");
  const Parsed parsed =
      Parse(arguments, "skald lm build|info|score [OPTIONS] FILE [TEXT]", kAbout, options, "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const auto words = Texts(parsed.values, "word");
  if (words.size() == 2 && words[0] == "build") return Build(words[1], parsed.values);
  if (words.size() == 2 && words[0] == "info") return Info(words[1]);
  if (words.size() == 3 && words[0] == "score")
    return Score(words[1], words[2], parsed.values["sentences"].as<bool>());
  return Report(Status::InvalidArgument("lm needs build ARPA, info FILE or score FILE TEXT (see --help)"),
                kBadUsage);
}

}  // namespace skald::cli
