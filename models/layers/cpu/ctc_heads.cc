#include "models/layers/cpu/ctc_heads.h"

#include <utility>

#include "models/layers/cpu/simd_kernels.h"

namespace skald {

Status CpuCtcHeads::Add(const AffineWeights& weights, int width, TileTeam* team) {
  width_ = width;
  SKALD_ASSIGN_OR_RETURN(
      CpuLinear head,
      MakeCpuLinear(weights, width, {.precision = CpuPrecision::kF32, .workers = team->size()}));
  team->Prepare(width, head.outputs(), {&head});
  heads_.push_back(std::move(head));
  return Status::Ok();
}

Status CpuCtcHeads::Run(const float* x, int64_t rows, const NormWeights* norm, double epsilon,
                        std::span<const MatrixView<float>> nll_per_head, TileTeam* team) {
  const SimdKernels& simd = CpuKernels();
  return team->ForTiles(rows, [&](int worker, TileScratch* scratch, int64_t first, int64_t count) -> Status {
    const float* input = x + first * width_;
    if (norm != nullptr) {
      simd.layer_norm(input, kLinearRowTile, width_, norm->gain.data(), norm->bias.data(),
                      static_cast<float>(epsilon), scratch->narrow.data());
      input = scratch->narrow.data();
    }
    for (size_t head = 0; head < heads_.size(); ++head) {
      SKALD_RETURN_IF_ERROR(heads_[head].Run(worker, input, scratch->wide.data(), &scratch->linear));
      const MatrixView<float>& nll = nll_per_head[head];
      simd.negative_log_softmax(scratch->wide.data(), count, heads_[head].outputs(),
                                nll.data + first * nll.stride, nll.stride);
    }
    return Status::Ok();
  });
}

}  // namespace skald
