#include "engine/rescorer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "decoder/rescore/build_ngram_model.h"
#include "engine/file_cache.h"

namespace skald {
namespace {

/// True for files that start as NgramModel's do.
bool IsNgramModel(const std::string& path) {
  char magic[8] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "SKALDNLM";
}

/// Numbers in `model` of the graph's words. Words that the model lacks count as <unk>.
StatusOr<std::vector<uint32_t>> NumberWords(const GraphImage& graph, const NgramModel& model) {
  std::vector<uint32_t> numbers =
      model.FindWords(graph.word_count(), [&](size_t w) { return graph.word(static_cast<uint32_t>(w)); });
  for (uint32_t word = 1; word < numbers.size(); ++word) {
    if (numbers[word] != NgramModel::kNoWord) continue;
    if (model.unknown() == NgramModel::kNoWord) {
      return Status::InvalidArgument("the language model lacks the word '" + std::string(graph.word(word)) +
                                     "' of the decoding graph and has no <unk>");
    }
    numbers[word] = model.unknown();
  }
  return numbers;
}

/// How a graph used its language model.
struct GraphLm {
  double weight = 1;
  int max_order = 0;
};

/// Of a graph with this recipe, which must have been built from the model with the hash `lm_sha256`.
StatusOr<GraphLm> ReadGraphLm(const std::string& recipe_json, const std::string& lm_sha256) {
  const auto recipe = nlohmann::json::parse(recipe_json, nullptr, /*allow_exceptions=*/false);
  if (!recipe.is_object() || recipe.value("language_model_sha256", nlohmann::json()) != lm_sha256) {
    return Status::Unsupported(
        "rescoring needs the language model that the graph was built from, and that is not the bundle's");
  }
  const nlohmann::json options = recipe.value("options", nlohmann::json());
  const nlohmann::json weight =
      options.is_object() ? options.value("language_model_weight", nlohmann::json()) : options;
  const nlohmann::json order = options.is_object() ? options.value("max_order", nlohmann::json()) : options;
  if (!weight.is_number() || !order.is_number_integer())
    return Status::Corrupt("the graph's recipe does not say how its language model was used");
  return GraphLm{weight.get<double>(), order.get<int>()};
}

}  // namespace

Status RescoringOptions::Validate() const {
  if (!(weight >= 0 && weight <= 2)) return Status::InvalidArgument("rescore_weight must be within 0 to 2");
  if (!(lm_scale > 0 && lm_scale <= 100))
    return Status::InvalidArgument("rescore_lm_scale must be greater than 0, at most 100");
  if (!(std::abs(word_penalty) <= 100))
    return Status::InvalidArgument("rescore_word_penalty must be within -100 to 100");
  if (!(beam >= 0)) return Status::InvalidArgument("rescore_beam must not be negative");
  return Status::Ok();
}

StatusOr<std::string> CachedNgramModel(const std::string& source, const std::string& cache_folder,
                                       const BuildProgress& progress) {
  if (IsNgramModel(source)) return source;
  SKALD_ASSIGN_OR_RETURN(const std::string hash, Sha256HexOfFile(source));
  const std::string key = hash + "-" + std::to_string(kNgramBuilderVersion);
  const std::string path = cache_folder + "/lms/" + key + ".sklm";
  return CachedFile(path, [&] {
    if (progress) progress(0, "language model for rescoring");
    return BuildNgramModelFromArpa(source, path);
  });
}

StatusOr<std::unique_ptr<LargeLmRescorer>> LargeLmRescorer::Create(const Bundle& bundle,
                                                                   const GraphImage& graph,
                                                                   const RescoringOptions& options,
                                                                   const std::string& cache_folder,
                                                                   const BuildProgress& progress) {
  const BundleManifest& manifest = bundle.manifest();
  if (manifest.lm_file.empty()) {
    return Status::Unsupported("the bundle has no first-pass language model, which rescoring takes out")
        .InFile(bundle.folder());
  }
  if (options.lm_path.empty() && manifest.lm_large_file.empty()) {
    return Status::Unsupported("the bundle has no large language model; name one with --rescore-lm")
        .InFile(bundle.folder());
  }
  SKALD_ASSIGN_OR_RETURN(const GraphLm graph_lm,
                         ReadGraphLm(graph.info().recipe_json, manifest.files.at(manifest.lm_file).sha256));
  std::string source = options.lm_path;
  if (source.empty()) {
    SKALD_ASSIGN_OR_RETURN(source, bundle.VerifiedPath(manifest.lm_large_file));
  }
  SKALD_ASSIGN_OR_RETURN(const std::string old_source, bundle.VerifiedPath(manifest.lm_file));
  SKALD_ASSIGN_OR_RETURN(const std::string old_path, CachedNgramModel(old_source, cache_folder, progress));
  SKALD_ASSIGN_OR_RETURN(const std::string large_path, CachedNgramModel(source, cache_folder, progress));
  SKALD_ASSIGN_OR_RETURN(NgramModel old_model, NgramModel::Open(old_path));
  SKALD_ASSIGN_OR_RETURN(NgramModel large, NgramModel::Open(large_path));

  std::unique_ptr<LargeLmRescorer> rescorer(
      new LargeLmRescorer(std::move(old_model), std::move(large), options));
  if (graph_lm.max_order < rescorer->old_.order())
    return Status::Unsupported("rescoring needs a graph with all n-grams of its language model (max_order)");
  rescorer->graph_lm_weight_ = graph_lm.weight;
  auto numbers = NumberWords(graph, rescorer->old_);
  if (!numbers.ok()) return std::move(numbers).status().InFile(old_source);
  rescorer->old_numbers_ = *std::move(numbers);
  numbers = NumberWords(graph, rescorer->large_);
  if (!numbers.ok()) return std::move(numbers).status().InFile(source);
  rescorer->large_numbers_ = *std::move(numbers);
  return rescorer;
}

WordLattice LargeLmRescorer::Rescore(const RawLattice&, WordLattice words) const {
  const double scale = options_.lm_scale * graph_lm_weight_;
  const LanguageModelTerm terms[] = {{&old_, old_numbers_, scale * (1 - options_.weight) - graph_lm_weight_},
                                     {&large_, large_numbers_, scale * options_.weight}};
  RescoreOptions rescore;
  rescore.beam = options_.beam;
  rescore.word_penalty = options_.word_penalty;
  return RescoreWords(words, terms, rescore);
}

}  // namespace skald
