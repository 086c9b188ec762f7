#include "models/layers/cuda/attention.h"

#include <cudnn_frontend.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace skald {
namespace {

namespace fe = cudnn_frontend;

constexpr int64_t kHeadWidth = 64;

enum TensorId : int64_t { kQuery = 1, kKey, kValue, kOutput, kFrames, kInputOffset, kOutputOffset };

Status FrontendStatus(fe::error_t error, const char* what) {
  if (error.is_good()) return Status::Ok();
  return Status(StatusCode::kDeviceError,
                std::string("cuDNN attention: ") + what + ": " + error.get_message());
}

}  // namespace

struct CudaRaggedAttention::Graph {
  Options options;
  mutable fe::graph::Graph graph;

  Status Build(const MathContext& math);
};

Status CudaRaggedAttention::Graph::Build(const MathContext& math) {
  const int64_t windows = options.max_windows, heads = options.heads, frames = options.max_frames;
  graph.set_io_data_type(options.type == ElementType::kF16 ? fe::DataType_t::HALF : fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  const auto integers = [this](const char* name, int64_t count, int64_t id) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_name(name)
                            .set_dim({count, 1, 1, 1})
                            .set_stride({1, 1, 1, 1})
                            .set_data_type(fe::DataType_t::INT32)
                            .set_uid(id));
  };
  const auto input_offset = integers("input_offset", windows + 1, kInputOffset);
  const auto output_offset = integers("output_offset", windows + 1, kOutputOffset);
  const auto lengths = integers("frames", windows, kFrames);
  const int64_t row = 3 * heads * kHeadWidth;
  const auto input = [&](const char* name, int64_t id) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_name(name)
                            .set_dim({windows, heads, frames, kHeadWidth})
                            .set_stride({frames * row, kHeadWidth, row, 1})
                            .set_ragged_offset(input_offset)
                            .set_uid(id));
  };
  const auto query = input("query", kQuery), key = input("key", kKey), value = input("value", kValue);
  auto attributes = fe::graph::SDPA_attributes()
                        .set_name("attention")
                        .set_generate_stats(false)
                        .set_attn_scale(1.0f)
                        .set_padding_mask(true)
                        .set_seq_len_q(lengths)
                        .set_seq_len_kv(lengths);
  auto [output, statistics] = graph.sdpa(query, key, value, attributes);
  const int64_t output_row = heads * kHeadWidth;
  output->set_output(true)
      .set_dim({windows, heads, frames, kHeadWidth})
      .set_stride({frames * output_row, kHeadWidth, output_row, 1})
      .set_ragged_offset(output_offset)
      .set_uid(kOutput);
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.validate(), "validate"));
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.build_operation_graph(math.cudnn), "build"));
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.create_execution_plans({fe::HeurMode_t::A}), "plan"));
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.check_support(), "check"));
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.build_plans(), "build plans"));
  int64_t workspace = 0;
  SKALD_RETURN_IF_ERROR(FrontendStatus(graph.get_workspace_size(workspace), "workspace"));
  if (workspace > static_cast<int64_t>(kMathWorkspaceBytes)) {
    return Status(StatusCode::kDeviceError,
                  "cuDNN attention wants a workspace of " + std::to_string(workspace) + " bytes");
  }
  return Status::Ok();
}

CudaRaggedAttention::CudaRaggedAttention(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
CudaRaggedAttention::CudaRaggedAttention(CudaRaggedAttention&&) noexcept = default;
CudaRaggedAttention& CudaRaggedAttention::operator=(CudaRaggedAttention&&) noexcept = default;
CudaRaggedAttention::~CudaRaggedAttention() = default;

StatusOr<CudaRaggedAttention> CudaRaggedAttention::Create(const MathContext& math, const Options& options) {
  SKALD_CHECK(options.type != ElementType::kF32, "cuDNN's attention has f16 and bf16 only");
  auto graph = std::make_unique<Graph>();
  graph->options = options;
  try {
    SKALD_RETURN_IF_ERROR(graph->Build(math));
  } catch (const std::exception& error) {
    return Status(StatusCode::kDeviceError, std::string("cuDNN attention: ") + error.what());
  }
  return CudaRaggedAttention(std::move(graph));
}

Status CudaRaggedAttention::Run(DeviceContext context, const MathContext& math, void* query_key_value,
                                const Batch& batch, void* output) const {
  const size_t part =
      static_cast<size_t>(graph_->options.heads) * kHeadWidth * ElementBytes(graph_->options.type);
  auto* query = static_cast<std::byte*>(query_key_value);
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnSetStream(math.cudnn, context.stream));
  try {
    std::unordered_map<int64_t, void*> tensors = {{kQuery, query},
                                                  {kKey, query + part},
                                                  {kValue, query + 2 * part},
                                                  {kOutput, output},
                                                  {kFrames, batch.frames},
                                                  {kInputOffset, batch.query_key_value_offset},
                                                  {kOutputOffset, batch.output_offset}};
    return FrontendStatus(graph_->graph.execute(math.cudnn, tensors, math.workspace), "execute");
  } catch (const std::exception& error) {
    return Status(StatusCode::kDeviceError, std::string("cuDNN attention: ") + error.what());
  }
}

}  // namespace skald
