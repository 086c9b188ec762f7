#include "decoder/graph/check_graph.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/graph_image_format.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes = skald::fuzz::WithRightChecksums<skald::graph_format::Header>(data, size);
  const skald::fuzz::InputFile file(bytes);
  const auto graph = skald::GraphImage::Open(file.path(), /*verify_cells=*/true);
  if (!graph.ok()) return 0;
  for (uint32_t word = 0; word < graph->word_count(); ++word) (void)graph->word(word).size();
  for (uint32_t unit = 0; unit < graph->info().unit_count; ++unit) (void)graph->unit(unit).size();
  (void)skald::CheckGraph(*graph);
  return 0;
}
