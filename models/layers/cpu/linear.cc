#include "models/layers/cpu/linear.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

#include "base/check.h"
#include "models/layers/cpu/simd_kernels.h"

namespace skald {
namespace {

using dnnl::memory;

/// Products are created for, and run on, one thread: the worker team is the only source of parallelism.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

dnnl::matmul::primitive_desc DescribeProduct(const dnnl::engine& engine, const memory::desc& input,
                                             const memory::desc& weights, const memory::desc& bias,
                                             const memory::desc& output,
                                             const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  if (bias) return dnnl::matmul::primitive_desc(engine, input, weights, bias, output, attributes);
  return dnnl::matmul::primitive_desc(engine, input, weights, output, attributes);
#else
  if (bias) return {dnnl::matmul::desc(input, weights, bias, output), attributes, engine};
  return {dnnl::matmul::desc(input, weights, output), attributes, engine};
#endif
}

void AppendActivation(Activation activation, dnnl::post_ops* operations) {
  if (activation == Activation::kNone) return;
  const dnnl::algorithm algorithm = activation == Activation::kGelu    ? dnnl::algorithm::eltwise_gelu_erf
                                    : activation == Activation::kSwish ? dnnl::algorithm::eltwise_swish
                                                                       : dnnl::algorithm::eltwise_relu;
  const float alpha = activation == Activation::kSwish ? 1.0f : 0.0f;
#if DNNL_VERSION_MAJOR >= 3
  operations->append_eltwise(algorithm, alpha, 0.0f);
#else
  operations->append_eltwise(1.0f, algorithm, alpha, 0.0f);
#endif
}

/// int8 weights [outputs, inputs] with the scale that makes each output's largest weight 127.
struct QuantizedWeights {
  std::vector<int8_t> values;
  std::vector<float> scales;
  std::vector<int32_t> corrections;  ///< 128 * sum of each output's weights: inputs carry an offset of 128
};

QuantizedWeights Quantize(std::span<const float> weights, int inputs, int outputs) {
  QuantizedWeights quantized;
  quantized.values.resize(weights.size());
  for (int output = 0; output < outputs; ++output) {
    const std::span<const float> row = weights.subspan(static_cast<size_t>(output) * inputs, inputs);
    float largest = 1e-20f;
    for (const float weight : row) largest = std::max(largest, std::abs(weight));
    const float scale = largest / 127.0f;
    int32_t sum = 0;
    for (int i = 0; i < inputs; ++i) {
      const auto value = static_cast<int8_t>(std::lrint(row[i] / scale));
      quantized.values[static_cast<size_t>(output) * inputs + i] = value;
      sum += value;
    }
    quantized.scales.push_back(scale);
    quantized.corrections.push_back(128 * sum);
  }
  return quantized;
}

}  // namespace

CpuPrecision WideOf(CpuPrecision precision) {
  if (precision != CpuPrecision::kInt8) return precision;
  return DetectCpuFeatures().avx512_bf16 ? CpuPrecision::kBf16 : CpuPrecision::kF32;
}

struct CpuLinear::Impl {
  int inputs = 0;
  int outputs = 0;
  Options options;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  memory weights;
  memory bias;
  std::vector<float> bias_values;  ///< int8: added in the epilogue, zeros where there is none
  std::vector<float> column_scales;
  std::vector<int32_t> corrections;

  struct Worker {
    dnnl::stream stream;
    memory input;
    memory output;
    memory scratchpad;
    std::unordered_map<int, memory> arguments;
  };
  std::vector<Worker> workers;

  void Build(std::span<const float> weight_values, std::span<const float> bias_in);
};

void CpuLinear::Impl::Build(std::span<const float> weight_values, std::span<const float> bias_in) {
  using Type = memory::data_type;
  using Tag = memory::format_tag;
  const OneThread one_thread;
  const bool int8 = options.precision == CpuPrecision::kInt8;
  const Type input_type = int8 ? Type::u8 : options.precision == CpuPrecision::kBf16 ? Type::bf16 : Type::f32;
  const Type weight_type = int8 ? Type::s8 : input_type;
  const Type output_type = int8 ? Type::s32 : Type::f32;
  const memory::dims weight_shape = {inputs, outputs};

  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!int8) {
    dnnl::post_ops operations;
    AppendActivation(options.activation, &operations);
    if (options.accumulate) operations.append_sum(1.0f);
    attributes.set_post_ops(operations);
  }
  const memory::desc input({kLinearRowTile, inputs}, input_type, Tag::ab);
  const memory::desc output({kLinearRowTile, outputs}, output_type, Tag::ab);
  memory::desc bias_description;
  if (!int8 && !bias_in.empty()) bias_description = memory::desc({1, outputs}, Type::f32, Tag::ab);
  description = DescribeProduct(engine, input, memory::desc(weight_shape, weight_type, Tag::any),
                                bias_description, output, attributes);
  product = dnnl::matmul(description);

  dnnl::stream stream(engine);
  weights = memory(description.weights_desc(), engine);
  if (int8) {
    QuantizedWeights quantized = Quantize(weight_values, inputs, outputs);
    memory plain({weight_shape, Type::s8, Tag::ba}, engine, quantized.values.data());
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    stream.wait();
    column_scales = std::move(quantized.scales);
    corrections = std::move(quantized.corrections);
    bias_values.assign(bias_in.begin(), bias_in.end());
    bias_values.resize(outputs, 0.0f);
  } else {
    memory plain({weight_shape, Type::f32, Tag::ba}, engine, const_cast<float*>(weight_values.data()));
    dnnl::reorder(plain, weights).execute(stream, plain, weights);
    stream.wait();
    if (!bias_in.empty()) {
      bias = memory(bias_description, engine);
      std::copy(bias_in.begin(), bias_in.end(), static_cast<float*>(bias.get_data_handle()));
    }
  }
  for (int i = 0; i < options.workers; ++i) {
    Worker worker{dnnl::stream(engine),
                  memory(input, engine, nullptr),
                  memory(output, engine, nullptr),
                  memory(description.scratchpad_desc(), engine),
                  {}};
    worker.arguments = {{DNNL_ARG_SRC, worker.input},
                        {DNNL_ARG_WEIGHTS, weights},
                        {DNNL_ARG_DST, worker.output},
                        {DNNL_ARG_SCRATCHPAD, worker.scratchpad}};
    if (bias) worker.arguments.emplace(DNNL_ARG_BIAS, bias);
    workers.push_back(std::move(worker));
  }
}

StatusOr<CpuLinear> CpuLinear::Create(std::span<const float> weights, std::span<const float> bias, int inputs,
                                      int outputs, const Options& options) {
  SKALD_CHECK(weights.size() == static_cast<size_t>(inputs) * static_cast<size_t>(outputs),
              "weights [outputs, inputs]");
  SKALD_CHECK(bias.empty() || bias.size() == static_cast<size_t>(outputs), "bias [outputs]");
  SKALD_CHECK(options.activation == Activation::kNone || !options.accumulate,
              "an activation of a sum is not a layer of any model here");
  SKALD_CHECK(options.precision != CpuPrecision::kInt8 || inputs % 16 == 0,
              "inputs of int8 are a multiple of 16");
  auto impl = std::make_unique<Impl>();
  impl->inputs = inputs;
  impl->outputs = outputs;
  impl->options = options;
  try {
    impl->Build(weights, bias);
  } catch (const dnnl::error& error) {
    return Status(StatusCode::kDeviceError, "oneDNN cannot make a " + std::to_string(inputs) + " x " +
                                                std::to_string(outputs) + " product: " + error.what());
  }
  return CpuLinear(std::move(impl));
}

CpuLinear::CpuLinear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CpuLinear::CpuLinear(CpuLinear&&) noexcept = default;
CpuLinear& CpuLinear::operator=(CpuLinear&&) noexcept = default;
CpuLinear::~CpuLinear() = default;

int CpuLinear::inputs() const { return impl_->inputs; }
int CpuLinear::outputs() const { return impl_->outputs; }
std::string CpuLinear::implementation() const { return impl_->description.impl_info_str(); }

void CpuLinear::Prepare(CpuLinearScratch* scratch) const {
  const auto grow = [](auto* values, int columns) {
    values->resize(
        std::max(values->size(), static_cast<size_t>(kLinearRowTile) * static_cast<size_t>(columns)));
  };
  if (impl_->options.precision == CpuPrecision::kBf16) grow(&scratch->bf16_input, impl_->inputs);
  if (impl_->options.precision == CpuPrecision::kInt8) {
    grow(&scratch->int8_input, impl_->inputs);
    grow(&scratch->row_scales, 1);
    grow(&scratch->sums, impl_->outputs);
  }
}

Status CpuLinear::Run(int worker_index, const float* input, float* output, CpuLinearScratch* scratch) {
  Impl& impl = *impl_;
  Impl::Worker& worker = impl.workers[static_cast<size_t>(worker_index)];
  const SimdKernels& simd = CpuKernels();
  const OneThread one_thread;
  void* source = const_cast<float*>(input);
  void* destination = output;
  if (impl.options.precision == CpuPrecision::kBf16) {
    simd.to_bf16(input, int64_t{kLinearRowTile} * impl.inputs, scratch->bf16_input.data());
    source = scratch->bf16_input.data();
  } else if (impl.options.precision == CpuPrecision::kInt8) {
    simd.quantize_rows(input, kLinearRowTile, impl.inputs, scratch->int8_input.data(),
                       scratch->row_scales.data());
    source = scratch->int8_input.data();
    destination = scratch->sums.data();
  }
  try {
    worker.input.set_data_handle(source);
    worker.output.set_data_handle(destination);
    impl.product.execute(worker.stream, worker.arguments);
    worker.stream.wait();
  } catch (const dnnl::error& error) {
    return Status(StatusCode::kDeviceError, std::string("oneDNN product failed: ") + error.what());
  }
  if (impl.options.precision == CpuPrecision::kInt8) {
    simd.dequantize(scratch->sums.data(), kLinearRowTile, impl.outputs, scratch->row_scales.data(),
                    impl.column_scales.data(), impl.corrections.data(), impl.bias_values.data(),
                    impl.options.activation == Activation::kGelu, impl.options.accumulate, output);
    const int64_t count = int64_t{kLinearRowTile} * impl.outputs;
    if (impl.options.activation == Activation::kSwish) simd.swish(output, count);
    if (impl.options.activation == Activation::kRelu) simd.relu(output, count);
  }
  return Status::Ok();
}

StatusOr<CpuLinear> MakeCpuLinear(const AffineWeights& weights, int inputs,
                                  const CpuLinear::Options& options) {
  const auto outputs = static_cast<int>(weights.weight.size() / static_cast<size_t>(inputs));
  return CpuLinear::Create(weights.weight, weights.bias, inputs, outputs, options);
}

}  // namespace skald
