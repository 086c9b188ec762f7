#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/safetensors_writer.h"

namespace skald {

/// Files of an i-vector extractor.
struct KaldiIvectorFiles {
  std::string extractor;         ///< final.ie
  std::string gaussians;         ///< final.dubm
  std::string projection;        ///< final.mat
  std::string cmvn_stats;        ///< global_cmvn.stats
  std::string cmvn_config;       ///< online_cmvn.conf; empty: defaults
  std::string splice_config;     ///< splice.conf; empty: defaults
  std::string extractor_config;  ///< ivector_extractor.conf; empty: what Vosk sets
};

/// An i-vector extractor as a bundle has it.
struct ImportedIvector {
  int size = 0;
  std::map<std::string, double> settings;
  std::vector<NamedTensor> tensors;
};

/// Reads an extractor for features of `feature_bins` values. Sources of the formats: Kaldi,
/// ivector/ivector-extractor.cc, gmm/diag-gmm.cc, online2/online-ivector-feature.h. Failures name file and
/// byte; an extractor whose weights depend on the i-vector is kUnsupported.
StatusOr<ImportedIvector> ReadKaldiIvector(const KaldiIvectorFiles& files, int feature_bins);

}  // namespace skald
