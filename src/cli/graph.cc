#include <cstdio>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/file.h"
#include "base/lines.h"
#include "base/stopwatch.h"
#include "base/token_list.h"
#include "cli/command.h"
#include "cli/progress_bar.h"
#include "decoder/graph/check_graph.h"
#include "decoder/graph/graph_builder.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/pronouncer.h"
#include "engine/graph_cache.h"
#include "engine/recognizer.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "build       makes the decoding graph of a bundle (--model, --head), or of --units, --lm and a lexicon; "
    "without --out\n"
    "            it goes to the cache, where transcribe finds it\n"
    "info FILE   prints sizes and how the graph was built\n"
    "words FILE  prints its words with their numbers, as Kaldi's words.txt\n"
    "check FILE  proves that a graph is sound: bounds, finite costs, no epsilon cycles, everything "
    "reachable; with\n"
    "            --paths N also that random paths cost what lexicon and language model say\n"
    "pronounce FILE  prints how each word of a list is pronounced, WORD<TAB>UNITS<TAB>listed or guessed: as "
    "the\n"
    "            lexicon has it, else guessed from the words that it has (--guesses)";

po::options_description Options() {
  po::options_description options("Options", 110);
  options.add_options()("model", po::value<std::string>(),
                        "folder of the model bundle (default: the English model that comes with Skald)")(
      "head", po::value<std::string>(), "head of the bundle (default: the bundle's choice)")(
      "units", po::value<std::string>(), "token list (SYMBOL ID a line) instead of a bundle's head")(
      "lm", po::value<std::string>(), "language model (ARPA, plain or gzip) instead of the bundle's")(
      "pronunciations", po::value<std::string>(), "lexicon: WORD<TAB>UNITS a line")(
      "sentencepiece", po::value<std::string>(), "lexicon: sentencepiece model of sub-word units")(
      "separator", po::value<std::string>()->default_value("|"),
      "lexicon by spelling: the unit between words")("lm-weight", po::value<double>()->default_value(1),
                                                     "factor on all costs of the language model")(
      "word-penalty", po::value<double>()->default_value(0), "nats added for every word")(
      "max-order", po::value<int>()->default_value(5), "longest n-grams to use")(
      "paths", po::value<int>()->default_value(0),
      "check: random paths to compare with the sources (--model, --units, ...)")(
      "seed", po::value<uint64_t>()->default_value(1), "check: seed of the random paths")(
      "guesses", po::value<int>()->default_value(1),
      "pronounce: likeliest pronunciations of a word not listed")("out", po::value<std::string>(),
                                                                  "graph file to write")(
      "progress", po::value<std::string>()->default_value("auto"), "auto, none, bar or json");
  return options;
}

StatusOr<GraphSources> ReadSources(const po::variables_map& values) {
  GraphSources sources;
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  if (values.count("units") == 0) {
    std::string folder;
    if (values.count("model") != 0) {
      folder = text("model");
    } else {
      SKALD_ASSIGN_OR_RETURN(folder, FindDefaultBundle());
    }
    SKALD_ASSIGN_OR_RETURN(const Bundle bundle, Bundle::Open(folder));
    const std::string head = values.count("head") != 0 ? text("head") : bundle.manifest().search_head;
    if (bundle.manifest().heads.count(head) == 0) {
      return Status::InvalidArgument("the model has no head '" + head + "'").InFile(folder);
    }
    SKALD_ASSIGN_OR_RETURN(sources, GraphSourcesOfBundle(bundle, head));
  } else {
    if (values.count("lm") == 0) return Status::InvalidArgument("--units needs --lm");
    SKALD_ASSIGN_OR_RETURN(sources.units, ReadTokenList(text("units")));
    sources.separator = text("separator");
  }
  if (values.count("lm") != 0) sources.language_model_path = text("lm");
  if (values.count("pronunciations") != 0) {
    sources.lexicon_kind = LexiconKind::kPronunciations;
    sources.lexicon_path = text("pronunciations");
  } else if (values.count("sentencepiece") != 0) {
    sources.lexicon_kind = LexiconKind::kPieces;
    sources.lexicon_path = text("sentencepiece");
  }
  return sources;
}

StatusOr<GraphOptions> ReadOptions(const po::variables_map& values) {
  GraphOptions options;
  options.language_model_weight = values["lm-weight"].as<double>();
  options.word_penalty = values["word-penalty"].as<double>();
  options.max_order = values["max-order"].as<int>();
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

int Build(const po::variables_map& values) {
  const StatusOr<GraphOptions> options = ReadOptions(values);
  if (!options.ok()) return Report(options.status(), kBadUsage);
  const auto style = ParseProgressStyle(values["progress"].as<std::string>());
  if (!style.ok()) return Report(style.status(), kBadUsage);
  const auto sources = ReadSources(values);
  if (!sources.ok())
    return Report(sources.status(),
                  sources.status().code() == StatusCode::kInvalidArgument ? kBadUsage : kNothingDone);

  ProgressBar bar(*style);
  Stopwatch watch;
  if (values.count("out") == 0) {
    const auto path =
        CachedGraph(*sources, *options, DefaultCacheFolder(),
                    [&](double fraction, const std::string& phase) { bar.Update(fraction, phase); });
    bar.Clear();
    if (!path.ok()) return Report(path.status(), kNothingDone);
    std::printf("%s\n", path->c_str());
    return kAllWell;
  }
  const std::string out = values["out"].as<std::string>();
  const auto graph = BuildGraph(*sources, *options, [&](double fraction, std::string_view phase) {
    bar.Update(fraction, std::string(phase));
  });
  bar.Clear();
  if (!graph.ok()) return Report(graph.status(), kNothingDone);
  if (const Status status = WriteGraphImage(*graph, out); !status.ok()) return Report(status, kNothingDone);
  std::printf(
      "%s: %llu states, %llu arcs, %.0f MB, %.1f s\n", out.c_str(),
      static_cast<unsigned long long>(graph->info().state_count),
      static_cast<unsigned long long>(graph->info().emitting_arc_count + graph->info().epsilon_arc_count),
      static_cast<double>(graph->cells().size_bytes()) / 1e6, watch.Seconds());
  return kAllWell;
}

int Info(const std::string& path) {
  const auto graph = GraphImage::Open(path);
  if (!graph.ok()) return Report(graph.status(), kNothingDone);
  const GraphInfo& info = graph->info();
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-16s %s\n", name, value.c_str());
  };
  line("states", fmt::format("{}", info.state_count));
  line("emitting arcs", fmt::format("{}", info.emitting_arc_count));
  line("epsilon arcs", fmt::format("{}, longest chain {}", info.epsilon_arc_count, info.max_epsilon_rank));
  line("cells", fmt::format("{} ({:.1f} MB)", info.cell_count,
                            static_cast<double>(info.cell_count) * sizeof(GraphCell) / 1e6));
  line("topology", info.explicit_topology ? "in the graph" : "CTC, implied");
  line("units", fmt::format("{}", info.unit_count));
  line("words", fmt::format("{}", graph->word_count()));
  line("least arc cost", fmt::format("{:g}", info.min_arc_cost));
  line("content hash", graph->content_hash());
  line("recipe", info.recipe_json);
  return kAllWell;
}

/// WORD NUMBER a line, as Kaldi's words.txt: what the numbers in lattices mean.
int Words(const std::string& path) {
  const auto graph = GraphImage::Open(path);
  if (!graph.ok()) return Report(graph.status(), kNothingDone);
  std::printf("<eps> 0\n");
  for (uint32_t word = 1; word < graph->word_count(); ++word) {
    std::printf("%.*s %u\n", static_cast<int>(graph->word(word).size()), graph->word(word).data(), word);
  }
  return kAllWell;
}

StatusOr<GraphPathReport> ComparePaths(const GraphImage& graph, const po::variables_map& values,
                                       int samples) {
  SKALD_ASSIGN_OR_RETURN(const GraphOptions options, ReadOptions(values));
  SKALD_ASSIGN_OR_RETURN(const GraphSources sources, ReadSources(values));
  SKALD_ASSIGN_OR_RETURN(const ArpaModel model, ArpaModel::Read(sources.language_model_path));
  SKALD_ASSIGN_OR_RETURN(const Lexicon lexicon, ReadLexicon(sources, options, model));
  return CheckGraphPaths(graph, model, lexicon, options, values["seed"].as<uint64_t>(), samples);
}

int Check(const std::string& path, const po::variables_map& values) {
  const auto graph = GraphImage::Open(path, /*verify_cells=*/true);
  if (!graph.ok()) return Report(graph.status(), kNothingDone);
  const auto report = CheckGraph(*graph);
  if (!report.ok()) return Report(Status(report.status()).InFile(path), kSomeFailed);
  std::printf("%s", report->ToString().c_str());
  const int samples = values["paths"].as<int>();
  if (samples <= 0) return kAllWell;
  const auto paths = ComparePaths(*graph, values, samples);
  if (!paths.ok()) return Report(Status(paths.status()).InFile(path), kSomeFailed);
  std::printf("%llu sentences and %llu paths agree with the sources within %.2g nats\n",
              static_cast<unsigned long long>(paths->sentences),
              static_cast<unsigned long long>(paths->image_paths), paths->largest_difference);
  return kAllWell;
}

/// What is printed for the words of a list.
StatusOr<std::string> PronounceWords(const Lexicon& lexicon, std::string_view list, int guesses) {
  std::unordered_map<std::string_view, std::vector<const Lexicon::Entry*>> listed;
  for (const Lexicon::Entry& entry : lexicon.entries()) listed[lexicon.words()[entry.word]].push_back(&entry);
  std::optional<Pronouncer> pronouncer;
  std::string out;
  const auto print = [&](std::string_view word, const std::vector<uint16_t>& units, const char* how) {
    std::string spelled;
    for (const uint16_t unit : units) spelled += (spelled.empty() ? "" : " ") + lexicon.units()[unit];
    out += fmt::format("{}\t{}\t{}\n", word, spelled, how);
  };
  SKALD_RETURN_IF_ERROR(ForEachLine(list, [&](std::string_view word) -> Status {
    if (word.empty()) return Status::Ok();
    if (const auto known = listed.find(word); known != listed.end()) {
      for (const Lexicon::Entry* entry : known->second) print(word, entry->units, "listed");
      return Status::Ok();
    }
    if (!pronouncer.has_value()) {
      SKALD_ASSIGN_OR_RETURN(pronouncer, Pronouncer::Train(lexicon));
    }
    SKALD_ASSIGN_OR_RETURN(const auto likeliest, pronouncer->Pronounce(word, guesses));
    for (const Pronouncer::Guess& guess : likeliest) print(word, guess.units, "guessed");
    return Status::Ok();
  }));
  return out;
}

int Pronounce(const std::string& path, const po::variables_map& values) {
  const int guesses = values["guesses"].as<int>();
  if (guesses < 1 || guesses > 100)
    return Report(Status::InvalidArgument("--guesses is 1 to 100"), kBadUsage);
  const auto sources = ReadSources(values);
  if (!sources.ok()) return Report(sources.status(), kBadUsage);
  if (sources->lexicon_kind != LexiconKind::kPronunciations)
    return Report(
        Status::InvalidArgument("this head spells words by letters or pieces: it has no pronunciations"),
        kBadUsage);
  const auto lexicon = Lexicon::FromPronunciations(sources->units, sources->lexicon_path);
  if (!lexicon.ok()) return Report(lexicon.status(), kNothingDone);
  const auto list = ReadFile(path);
  if (!list.ok()) return Report(list.status(), kNothingDone);
  const auto pronounced = PronounceWords(*lexicon, *list, guesses);
  if (!pronounced.ok()) return Report(Status(pronounced.status()).InFile(path), kNothingDone);
  std::fwrite(pronounced->data(), 1, pronounced->size(), stdout);
  return kAllWell;
}

}  // namespace

int RunGraph(const Arguments& arguments) {
  const Parsed parsed = Parse(arguments, "skald graph build|info|words|check|pronounce [OPTIONS] [FILE]",
                              kAbout, Options(), "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const auto words = Texts(parsed.values, "word");
  if (words.size() == 1 && words[0] == "build") return Build(parsed.values);
  if (words.size() == 2 && words[0] == "info") return Info(words[1]);
  if (words.size() == 2 && words[0] == "words") return Words(words[1]);
  if (words.size() == 2 && words[0] == "check") return Check(words[1], parsed.values);
  if (words.size() == 2 && words[0] == "pronounce") return Pronounce(words[1], parsed.values);
  return Report(Status::InvalidArgument(
                    "graph needs build, info FILE, words FILE, check FILE or pronounce FILE (see --help)"),
                kBadUsage);
}

}  // namespace skald::cli
