#pragma once

#include "base/npy.h"

namespace skald::test {

using skald::NpyArray;
using skald::ReadNpy;

}  // namespace skald::test
