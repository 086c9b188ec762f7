#pragma once

#include <functional>
#include <string>

#include "base/status.h"

namespace skald {

/// What the files of a Kaldi model do not say.
struct KaldiImportOptions {
  std::string name;  ///< empty: that of the folder
  std::string licence = "unknown";
  std::string language = "und";  ///< BCP 47
  /// Folder of HCLG.fst and words.txt (Kaldi's graph folder) where it is not in the model's; empty: it is.
  std::string graph_folder = {};
};

/// Makes a bundle of a Kaldi nnet3 chain model with its graph: a Vosk model folder (both layouts), or a
/// folder as Kaldi's prepare_online_decoding.sh makes it. `out` must not exist (kInvalidArgument), and
/// appears when it is complete. `progress` hears what is being done. Failures name file and position;
/// kUnsupported for what Skald does not run. Needs memory for the graph, about 100 bytes for each of its
/// states.
Status ImportKaldiModel(const std::string& folder, const std::string& out, const KaldiImportOptions& options,
                        const std::function<void(const std::string&)>& progress = {});

}  // namespace skald
