#include "decoder/search/lane_output.h"

#include <span>

#include "kernels/search/lane_search.h"

namespace skald {
namespace {

/// Reads consecutive arrays, each padded to 8 bytes.
class SegmentReader {
 public:
  explicit SegmentReader(const std::byte* place) : place_(place) {}
  template <typename T>
  std::span<const T> Take(size_t count) {
    const auto* const data = reinterpret_cast<const T*>(place_);
    place_ += (count * sizeof(T) + 7) / 8 * 8;
    return {data, count};
  }

 private:
  const std::byte* place_;
};

void ToTokenLinks(std::span<const LaneLink> links, std::vector<TokenLink>* result) {
  result->clear();
  for (const LaneLink& link : links) {
    result->push_back({link.source, link.destination, link.cell, link.slack, link.acoustic_cost});
  }
}

}  // namespace

uint32_t LaneOutput::Append(const std::byte* segment, LinkHistory* history,
                            std::vector<float>* frontier_costs) {
  SegmentReader reader(segment);
  const SegmentHeader& header = reader.Take<SegmentHeader>(1)[0];
  for (const float cost : reader.Take<float>(header.leading_collapsed)) history->AppendCollapsedFrame(cost);
  for (const SegmentRecord& record : reader.Take<SegmentRecord>(header.records)) {
    const std::span<const uint64_t> keys = reader.Take<uint64_t>(record.tokens);
    const std::span<const LaneLink> links = reader.Take<LaneLink>(record.links + record.other_links);
    ToTokenLinks(links.first(record.links), &emitting_);
    ToTokenLinks(links.subspan(record.links), &others_);
    history->Append(keys, emitting_, others_);
    for (const float cost : reader.Take<float>(record.collapsed)) history->AppendCollapsedFrame(cost);
  }
  const std::span<const float> costs = reader.Take<float>(header.frontier_costs);
  if (!costs.empty()) frontier_costs->assign(costs.begin(), costs.end());
  return header.records;
}

}  // namespace skald
