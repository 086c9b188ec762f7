#include "models/architectures/cpu_network.h"

#include <variant>

#include "models/architectures/fastconformer_ctc_cpu.h"
#include "models/architectures/nnet3_cpu.h"
#include "models/architectures/wav2vec2_ctc_cpu.h"
#include "models/architectures/whisper_encoder_ctc_cpu.h"

namespace skald {

StatusOr<std::unique_ptr<CpuNetwork>> MakeCpuNetwork(const Bundle& bundle,
                                                     const std::vector<std::string>& heads,
                                                     CpuPrecision precision, int threads) {
  const ArchitectureSizes& sizes = bundle.manifest().sizes;
  if (std::holds_alternative<WhisperEncoderCtcSizes>(sizes)) {
    return WhisperEncoderCtcCpu::Create(bundle, heads, precision, threads);
  }
  if (std::holds_alternative<Wav2Vec2CtcSizes>(sizes))
    return Wav2Vec2CtcCpu::Create(bundle, heads, precision, threads);
  if (std::holds_alternative<Nnet3Sizes>(sizes)) return Nnet3Cpu::Create(bundle, heads, precision, threads);
  return FastConformerCtcCpu::Create(bundle, heads, precision, threads);
}

}  // namespace skald
