#include "models/architectures/cuda_network.h"

#include <variant>

#include "models/architectures/fastconformer_ctc_cuda.h"
#include "models/architectures/wav2vec2_ctc_cuda.h"
#include "models/architectures/whisper_encoder_ctc_cuda.h"

namespace skald {

StatusOr<std::unique_ptr<CudaNetwork>> MakeCudaNetwork(DeviceContext context, const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       ElementType type, const CudaNetworkLimits& limits) {
  const ArchitectureSizes& sizes = bundle.manifest().sizes;
  if (std::holds_alternative<WhisperEncoderCtcSizes>(sizes)) {
    return WhisperEncoderCtcCuda::Create(context, bundle, heads, type, limits);
  }
  if (std::holds_alternative<Wav2Vec2CtcSizes>(sizes)) {
    return Wav2Vec2CtcCuda::Create(context, bundle, heads, type, limits);
  }
  if (std::holds_alternative<FastConformerCtcSizes>(sizes)) {
    return FastConformerCtcCuda::Create(context, bundle, heads, type, limits);
  }
  return Status::Unsupported(std::string(ArchitectureName(sizes)) + " does not run on CUDA");
}

}  // namespace skald
