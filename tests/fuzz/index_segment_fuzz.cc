#include "decoder/kws/index_segment.h"
#include "decoder/kws/index_segment_format.h"
#include "decoder/kws/posterior_lattice.h"
#include "decoder/kws/query.h"
#include "decoder/kws/query_evaluator.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes = skald::fuzz::WithRightChecksums<skald::index_format::Header>(data, size);
  const skald::fuzz::InputFile file(bytes);
  const auto segment = skald::IndexSegment::Open(file.path());
  if (!segment.ok()) return 0;
  skald::PosteriorLattice lattice;
  for (uint32_t i = 0; i < segment->info().utterance_count && i < 100; ++i)
    (void)segment->Utterance(i, &lattice);
  for (uint32_t i = 0; i < segment->info().source_count && i < 100; ++i) (void)segment->Source(i);
  for (const char* text : {"a*", "a* c*", "a* NEAR/5 c*"}) {
    (void)skald::EvaluateQuery(*segment, skald::ParseQuery(text).value());
  }
  return 0;
}
