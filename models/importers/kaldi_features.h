#pragma once

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/importers/kaldi_config.h"

namespace skald {

/// Features of a bundle from a Kaldi mfcc.conf; defaults are those of Kaldi's feat/feature-mfcc.h. Dither is
/// left out: features do not depend on chance. kUnsupported naming the option for what Skald does not
/// compute.
StatusOr<FeatureDescription> ReadKaldiMfccConfig(const KaldiConfig& config);

}  // namespace skald
