#pragma once

#include "base/results.h"
#include "output/output_format.h"

namespace skald {

/// The segment with its text, words and alternatives in the wanted letter case.
Segment InCase(Segment segment, TextCase text_case);

}  // namespace skald
