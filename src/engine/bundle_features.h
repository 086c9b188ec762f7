#pragma once

#include "base/status.h"
#include "frontend/features/feature_options.h"
#include "models/bundle/bundle.h"

namespace skald {

/// The front end's parameters for the features that a bundle asks for. kUnsupported, naming the value, where
/// Skald has no such features.
StatusOr<FeatureOptions> FeaturesOfBundle(const FeatureDescription& description);

}  // namespace skald
