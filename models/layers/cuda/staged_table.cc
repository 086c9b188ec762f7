#include "models/layers/cuda/staged_table.h"

#include <utility>

namespace skald {
namespace {

constexpr int kStagings = 4;

}  // namespace

StatusOr<StagedTable> StagedTable::Create(int64_t size) {
  StagedTable staged;
  const auto count = static_cast<size_t>(size);
  SKALD_ASSIGN_OR_RETURN(staged.table_, DeviceBuffer<int32_t>::Create(count, "batch table"));
  for (int i = 0; i < kStagings; ++i) {
    Staging staging;
    SKALD_ASSIGN_OR_RETURN(staging.table, PinnedBuffer<int32_t>::Create(count, "batch table"));
    cudaEvent_t event = nullptr;
    SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    staging.copied.reset(event);
    staged.stagings_.push_back(std::move(staging));
  }
  return staged;
}

StatusOr<std::span<int32_t>> StagedTable::Begin() {
  Staging& staging = stagings_[next_ % stagings_.size()];
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventSynchronize(staging.copied.get()));
  return std::span<int32_t>(staging.table.data(), staging.table.size());
}

Status StagedTable::Upload(DeviceContext context) {
  Staging& staging = stagings_[next_++ % stagings_.size()];
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(table_.data(), staging.table.data(),
                                             staging.table.size() * sizeof(int32_t), cudaMemcpyHostToDevice,
                                             context.stream));
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventRecord(staging.copied.get(), context.stream));
  return Status::Ok();
}

}  // namespace skald
