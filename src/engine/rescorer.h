#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/rescore/ngram_model.h"
#include "decoder/rescore/rescore_words.h"
#include "engine/graph_cache.h"
#include "engine/lattice_rescorer.h"
#include "engine/rescoring_options.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Path of the `.sklm` file of a language model: `source` itself where it is one, else made from ARPA (plain
/// or gzip) once and kept in `cache_folder` under a name that is a hash of the content.
StatusOr<std::string> CachedNgramModel(const std::string& source, const std::string& cache_folder,
                                       const BuildProgress& progress);

/// Puts a larger language model in the place of the one that the decoding graph holds. Of a path, the search
/// charged acoustic + old + word penalties; afterwards it costs acoustic + lm_scale x ((1 - weight) old +
/// weight large) + word penalties, where old and large are what the models say of the whole sentence.
class LargeLmRescorer : public LatticeRescorer {
 public:
  /// Opens the bundle's first-pass model and the large one (`options.lm_path`, else the bundle's), building
  /// their files where they are not in `cache_folder`. Fails with kUnsupported where the bundle has no such
  /// model or the graph was not built from the bundle's, kInvalidArgument where the large model lacks words
  /// of the graph and has no <unk>, and as the readers do.
  static StatusOr<std::unique_ptr<LargeLmRescorer>> Create(const Bundle& bundle, const GraphImage& graph,
                                                           const RescoringOptions& options,
                                                           const std::string& cache_folder,
                                                           const BuildProgress& progress);

  WordLattice Rescore(const RawLattice& raw, WordLattice words) const override;

  /// Content hash of the large model.
  const std::string& model_hash() const { return large_.content_hash(); }

 private:
  LargeLmRescorer(NgramModel old_model, NgramModel large, const RescoringOptions& options)
      : old_(std::move(old_model)), large_(std::move(large)), options_(options) {}

  NgramModel old_, large_;
  const RescoringOptions options_;
  double graph_lm_weight_ = 1;                         // that the graph was built with
  std::vector<uint32_t> old_numbers_, large_numbers_;  // [words of the graph]
};

}  // namespace skald
