#include "engine/silero_file.h"

#include <cstdint>
#include <vector>

#include "models/bundle/safetensors.h"

namespace skald {

StatusOr<SileroNetwork> ReadSileroNetwork(const std::string& folder) {
  SKALD_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(folder + "/model.safetensors"));
  struct Entry {
    const char* name;
    std::vector<int64_t> shape;
    std::vector<float> SileroWeights::*values;
  };
  const Entry entries[] = {
      {"stft_conv.weight", {258, 1, 256}, &SileroWeights::stft},
      {"conv1.weight", {128, 129, 3}, &SileroWeights::conv1},
      {"conv1.bias", {128}, &SileroWeights::conv1_bias},
      {"conv2.weight", {64, 128, 3}, &SileroWeights::conv2},
      {"conv2.bias", {64}, &SileroWeights::conv2_bias},
      {"conv3.weight", {64, 64, 3}, &SileroWeights::conv3},
      {"conv3.bias", {64}, &SileroWeights::conv3_bias},
      {"conv4.weight", {128, 64, 3}, &SileroWeights::conv4},
      {"conv4.bias", {128}, &SileroWeights::conv4_bias},
      {"lstm_cell.weight_ih", {512, 128}, &SileroWeights::lstm_ih},
      {"lstm_cell.weight_hh", {512, 128}, &SileroWeights::lstm_hh},
      {"lstm_cell.bias_ih", {512}, &SileroWeights::lstm_ih_bias},
      {"lstm_cell.bias_hh", {512}, &SileroWeights::lstm_hh_bias},
      {"final_conv.weight", {1, 128, 1}, &SileroWeights::output},
      {"final_conv.bias", {1}, &SileroWeights::output_bias},
  };
  SileroWeights weights;
  for (const Entry& entry : entries) {
    SKALD_ASSIGN_OR_RETURN(const TensorView tensor, file.Get(entry.name, entry.shape));
    weights.*entry.values = tensor.ToFloat();
  }
  return SileroNetwork(weights);
}

}  // namespace skald
