#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/combiner.h"

namespace skald::cli {

/// Reads what a system wrote: a CTM file, a JSON transcript of Skald, a Kaldi lattice archive (.ark: binary,
/// else text), or a folder of such files. Of a folder with lattices and transcripts, the lattices are read
/// where `prefer_lattices`, else the transcripts. `words_path` names what the numbers of lattices mean:
/// "WORD NUMBER" lines or a decoding graph. Fails as the readers do, naming the file; kInvalidArgument for
/// lattices without `words_path` and for keys that are not FILE-CHANNEL-START-END.
StatusOr<CombinedSystem> ReadCombinedSystem(const std::string& path, const std::string& words_path,
                                            bool prefer_lattices);

}  // namespace skald::cli
