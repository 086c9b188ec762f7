#include "models/layers/cuda/convolution.h"

#include "models/layers/cuda/device_weights.h"

namespace skald {
namespace {

cudnnDataType_t DataType(ElementType type) {
  return type == ElementType::kF32   ? CUDNN_DATA_FLOAT
         : type == ElementType::kF16 ? CUDNN_DATA_HALF
                                     : CUDNN_DATA_BFLOAT16;
}

}  // namespace

StatusOr<CudaConvolution> CudaConvolution::Create(DeviceContext context, const MathContext& math,
                                                  std::span<const float> weights, const Options& options) {
  CudaConvolution layer;
  layer.options_ = options;
  SKALD_ASSIGN_OR_RETURN(layer.weights_,
                         UploadWeights(context, weights, options.type, "convolution weights"));
  const cudnnDataType_t type = DataType(options.type);

  cudnnFilterDescriptor_t filter = nullptr;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreateFilterDescriptor(&filter));
  layer.filter_.reset(filter);
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetFilter4dDescriptor(filter, type, CUDNN_TENSOR_NHWC, options.outputs,
                                                         options.inputs / options.groups, 1, options.taps));
  cudnnConvolutionDescriptor_t convolution = nullptr;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreateConvolutionDescriptor(&convolution));
  layer.convolution_.reset(convolution);
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetConvolution2dDescriptor(
      convolution, 0, options.padding, 1, options.stride, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetConvolutionGroupCount(convolution, options.groups));
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetConvolutionMathType(
      convolution, options.type == ElementType::kF32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH));
  cudnnTensorDescriptor_t input = nullptr, output = nullptr;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreateTensorDescriptor(&input));
  layer.input_.reset(input);
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreateTensorDescriptor(&output));
  layer.output_.reset(output);
  SKALD_RETURN_IF_ERROR(layer.Describe(options.max_rows));

  cudnnConvolutionFwdAlgoPerf_t found[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
  int count = 0;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnGetConvolutionForwardAlgorithm_v7(
      math.cudnn, input, filter, convolution, output, CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, found));
  for (int i = 0; i < count; ++i) {
    if (found[i].status != CUDNN_STATUS_SUCCESS || found[i].determinism != CUDNN_DETERMINISTIC) continue;
    size_t bytes = 0;
    if (cudnnGetConvolutionForwardWorkspaceSize(math.cudnn, input, filter, convolution, output, found[i].algo,
                                                &bytes) != CUDNN_STATUS_SUCCESS ||
        bytes > kMathWorkspaceBytes) {
      continue;
    }
    layer.algorithm_ = found[i].algo;
    return layer;
  }
  return Status(StatusCode::kDeviceError, "cuDNN has no deterministic convolution of " +
                                              std::to_string(options.inputs) + " to " +
                                              std::to_string(options.outputs) + " channels");
}

Status CudaConvolution::Describe(int64_t rows) {
  const cudnnDataType_t type = DataType(options_.type);
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetTensor4dDescriptor(input_.get(), CUDNN_TENSOR_NHWC, type, 1,
                                                         options_.inputs, 1, static_cast<int>(rows)));
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetTensor4dDescriptor(
      output_.get(), CUDNN_TENSOR_NHWC, type, 1, options_.outputs, 1, static_cast<int>(OutputRows(rows))));
  return Status::Ok();
}

Status CudaConvolution::Run(DeviceContext context, const MathContext& math, const void* input, int64_t rows,
                            void* output) {
  if (rows == 0 || OutputRows(rows) <= 0) return Status::Ok();
  SKALD_CHECK(rows <= options_.max_rows, "more rows than the layer was set up for");
  SKALD_RETURN_IF_ERROR(Describe(rows));
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetStream(math.cudnn, context.stream));
  const float one = 1.0f, zero = 0.0f;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnConvolutionForward(
      math.cudnn, &one, input_.get(), input, filter_.get(), weights_.data(), convolution_.get(), algorithm_,
      math.workspace, kMathWorkspaceBytes, &zero, output_.get(), output));
  return Status::Ok();
}

}  // namespace skald
