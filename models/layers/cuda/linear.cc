#include "models/layers/cuda/linear.h"

#include "models/layers/cuda/device_weights.h"

namespace skald {
namespace {

using Layout = MathHandle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = MathHandle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType_t DataType(ElementType type) {
  return type == ElementType::kF32 ? CUDA_R_32F : type == ElementType::kF16 ? CUDA_R_16F : CUDA_R_16BF;
}

/// A row-major matrix [rows, columns] is a column-major one [columns, rows] to cuBLASLt.
StatusOr<Layout> RowMajor(ElementType type, int64_t rows, int64_t columns) {
  cublasLtMatrixLayout_t layout = nullptr;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatrixLayoutCreate(
      &layout, DataType(type), static_cast<uint64_t>(columns), static_cast<uint64_t>(rows), columns));
  return Layout(layout);
}

struct Layouts {
  Layout weights, input, output;
};

StatusOr<Layouts> MakeLayouts(const CudaLinear::Options& options, int64_t inputs, int64_t outputs,
                              int64_t rows) {
  Layouts layouts;
  SKALD_ASSIGN_OR_RETURN(layouts.weights, RowMajor(options.input_type, outputs, inputs));
  SKALD_ASSIGN_OR_RETURN(layouts.input, RowMajor(options.input_type, rows, inputs));
  SKALD_ASSIGN_OR_RETURN(layouts.output, RowMajor(options.output_type, rows, outputs));
  return layouts;
}

}  // namespace

StatusOr<CudaLinear> CudaLinear::Create(DeviceContext context, const MathContext& math,
                                        std::span<const float> weights, std::span<const float> bias,
                                        const Options& options) {
  CudaLinear linear;
  linear.options_ = options;
  linear.outputs_ = static_cast<int64_t>(bias.size());
  linear.inputs_ = static_cast<int64_t>(weights.size()) / linear.outputs_;
  SKALD_ASSIGN_OR_RETURN(linear.weights_,
                         UploadWeights(context, weights, options.input_type, "linear weights"));
  SKALD_ASSIGN_OR_RETURN(linear.bias_, UploadWeights(context, bias, ElementType::kF32, "linear bias"));

  cublasLtMatmulDesc_t product = nullptr;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  linear.product_.reset(product);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  SKALD_CUBLAS_RETURN_IF_ERROR(
      cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
  if (options.use_bias) {
    const void* epilogue_bias = linear.bias_.data();
    if (options.output_type != ElementType::kF32) {
      SKALD_ASSIGN_OR_RETURN(linear.epilogue_bias_,
                             UploadWeights(context, bias, options.output_type, "linear bias"));
      epilogue_bias = linear.epilogue_bias_.data();
    }
    const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    SKALD_CUBLAS_RETURN_IF_ERROR(
        cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
    SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                                &epilogue_bias, sizeof epilogue_bias));
  }

  cublasLtMatmulPreference_t raw_preference = nullptr;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulPreferenceCreate(&raw_preference));
  const Preference preference(raw_preference);
  const size_t workspace = kMathWorkspaceBytes;
  const uint32_t no_split_sums = CUBLASLT_REDUCTION_SCHEME_NONE;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulPreferenceSetAttribute(
      raw_preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace));
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulPreferenceSetAttribute(
      raw_preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &no_split_sums, sizeof no_split_sums));
  SKALD_ASSIGN_OR_RETURN(const Layouts layouts,
                         MakeLayouts(options, linear.inputs_, linear.outputs_, options.max_rows));
  cublasLtMatmulHeuristicResult_t found = {};
  int count = 0;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmulAlgoGetHeuristic(
      math.cublas, product, layouts.weights.get(), layouts.input.get(), layouts.output.get(),
      layouts.output.get(), raw_preference, 1, &found, &count));
  if (count == 0) {
    return Status(StatusCode::kDeviceError, "cuBLASLt has no algorithm for a product of " +
                                                std::to_string(linear.inputs_) + " x " +
                                                std::to_string(linear.outputs_));
  }
  linear.algorithm_ = found.algo;
  return linear;
}

Status CudaLinear::Run(DeviceContext context, const MathContext& math, const void* input, int64_t rows,
                       void* output) const {
  if (rows == 0) return Status::Ok();
  SKALD_CHECK(rows <= options_.max_rows, "more rows than the layer was set up for");
  SKALD_ASSIGN_OR_RETURN(const Layouts layouts, MakeLayouts(options_, inputs_, outputs_, rows));
  const float one = 1.0f, old = options_.accumulate ? 1.0f : 0.0f;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtMatmul(math.cublas, product_.get(), &one, weights_.data(),
                                              layouts.weights.get(), input, layouts.input.get(), &old, output,
                                              layouts.output.get(), output, layouts.output.get(), &algorithm_,
                                              math.workspace, kMathWorkspaceBytes, context.stream));
  return Status::Ok();
}

}  // namespace skald
