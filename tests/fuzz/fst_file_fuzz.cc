#include "decoder/graph/fst_file.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadFstInfo(file.path());
  (void)skald::ReadFstOutputSymbols(file.path());
  (void)skald::CheckLookaheadFst(file.path());
  const auto graph = skald::ReadFst(file.path());
  if (!graph.ok()) return 0;
  const auto states = static_cast<int64_t>(graph->state_count());
  if (graph->start < 0 || graph->start >= states) __builtin_trap();
  for (const skald::FstArc& arc : graph->arcs) {
    if (arc.next_state < 0 || arc.next_state >= states || arc.input < 0 || arc.output < 0) __builtin_trap();
  }
  return 0;
}
