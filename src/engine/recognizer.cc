#include "engine/recognizer.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/stopwatch.h"
#include "engine/device_list.h"
#include "engine/device_segment_search.h"
#include "engine/graph_cache.h"
#include "engine/ivector_source.h"
#include "engine/model_folder.h"
#include "engine/model_fusion.h"
#include "engine/pipeline.h"
#include "engine/scorer.h"
#include "engine/search_head.h"
#include "engine/search_weights.h"
#include "engine/voice_activity.h"
#include "models/bundle/bundle.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

// Seconds of audio in a batch, where options leave it open.
constexpr double kCpuBatchS = 30, kCudaBatchS = 300;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// The devices that `list` names; "auto" is the first CUDA device, else the CPU.
StatusOr<std::vector<int>> ResolveDevices(const std::string& list) {
  SKALD_ASSIGN_OR_RETURN(std::vector<int> devices, ParseDeviceList(list));
  const int count = UsableCudaDevices();
  if (devices.empty()) devices.push_back(count > 0 ? 0 : kCpuDevice);
  for (const int device : devices) {
    if (device < count) continue;
    return Status(StatusCode::kDeviceError,
                  fmt::format("device {} was asked for, but {} usable CUDA devices were found",
                              DeviceName(device), count));
  }
  return devices;
}

/// "a, b": what is there several times, once.
std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      continue;
    }
    text += (text.empty() ? "" : ", ") + names[i];
  }
  return text;
}

std::string AlsoModelsAsText(const FusionOptions& fusion) {
  std::string text;
  for (const AlsoModel& model : fusion.models) {
    text += fmt::format("{}{} weight {:g}", text.empty() ? "" : ", ", model.folder, model.weight);
  }
  if (text.empty()) return "none";
  return text + (fusion.rule == FusionRule::kArithmetic ? ", arithmetic" : ", log-linear");
}

std::string DecodeAsText(const DescriptionOptions& description) {
  std::string text = description.word_rule == WordRule::kMbr
                         ? fmt::format("mbr, scale {:g}", description.mbr_scale)
                         : "viterbi";
  if (description.graph_scale != 1) text += fmt::format(", graph scale {:g}", description.graph_scale);
  return text;
}

/// What was chosen goes before what the bundle says, and that before the rest.
template <typename Chosen, typename OfBundle, typename Value>
void Choose(const std::optional<Chosen>& chosen, const std::optional<OfBundle>& of_bundle, Value* value) {
  if (chosen) {
    *value = *chosen;
  } else if (of_bundle) {
    *value = static_cast<Value>(*of_bundle);
  }
}

/// What the bundle has for just these heads and weights; otherwise confidences stay as computed.
ConfidenceMap MapOfCombination(const BundleManifest& manifest, const std::vector<HeadShare>& shares) {
  for (const HeadCombination& known : manifest.combinations) {
    const bool same = std::equal(known.heads.begin(), known.heads.end(), shares.begin(), shares.end(),
                                 [](const auto& head, const HeadShare& share) {
                                   return head.first == share.name && head.second == share.weight;
                                 });
    if (same) return known.confidence_map;
  }
  return {};
}

void ApplyBundleChoices(const HeadDescription& head, RecognizerOptions* options) {
  Choose(options->beam, head.beam, &options->search.beam);
  Choose(options->lattice_beam, head.lattice_beam, &options->search.lattice_beam);
  Choose(options->max_active, head.max_active, &options->search.max_active);
  // A chosen max_active that is smaller still is meant.
  options->search.min_active =
      std::min(head.min_active.value_or(options->search.min_active), options->search.max_active - 1);
  Choose(options->mbr_scale, head.posterior_scale, &options->description.mbr_scale);
  Choose(options->confidence_scale, head.posterior_scale, &options->description.confidence_scale);
  Choose(options->graph_scale, head.graph_scale, &options->description.graph_scale);
}

}  // namespace

StatusOr<std::string> FindDefaultBundle() {
  StatusOr<std::string> folder = FindModelFolder("en-base-25fps", "bundle.json", "SKALD_MODEL");
  if (folder.ok()) return folder;
  return Status::NotFound("no model: name a bundle with --model or SKALD_MODEL; " + folder.status().reason());
}

std::string DefaultCacheFolder() {
  if (const std::string folder = Environment("SKALD_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = Environment("XDG_CACHE_HOME"); !folder.empty()) return folder + "/skald";
  const std::string home = Environment("HOME");
  return (home.empty() ? fs::temp_directory_path().string() : home + "/.cache") + "/skald";
}

using Scorers = std::vector<std::unique_ptr<Scorer>>;

struct Recognizer::State {
  RecognizerOptions options;
  RecognizerInfo info;
  Bundle bundle;
  std::vector<std::unique_ptr<SearchHead>> heads;  // one at least
  std::vector<CombinedHead> combined;              // where there are several
  std::unique_ptr<VoiceActivity> vad;              // null: off
  std::vector<std::unique_ptr<Scorer>> scorers;
  std::unique_ptr<SearchWeightsSource> frame_weights;  // null: all frames weigh alike
  std::vector<std::unique_ptr<DeviceSegmentSearch>> device_searches;
  int search_lanes = 0;  // that the searches began with
  int search_workers = 0;
  Transcript prototype;

  explicit State(Bundle bundle_in) : bundle(std::move(bundle_in)) {}

  const SearchHead& first_head() const { return *heads.front(); }
  bool has_graph() const { return first_head().graph.has_value(); }
  Status ChooseDecoding();
  Status MakeHeads(const std::string& cache_folder, const BuildProgress& build_progress);
  StatusOr<Scorers> MakeScorers(int device, bool scores_on_device);
  Status AddDevice(int device);
  Status AddSearches(int device);
  Status MakeWorkers(std::span<const int> devices);
  Status CheckTopology();
  Status FitToModel();
  Status MakeFrameWeights();
  void NoteLanes(int wanted);
  PipelineContext Context() const;
  void DescribeOptions();
};

StatusOr<Scorers> Recognizer::State::MakeScorers(int device, bool scores_on_device) {
  ScorerOptions scorer;
  scorer.precision = options.precision;
  for (const auto& head : heads) {
    scorer.heads.push_back(head->name);
    scorer.scaling.push_back(head->scaling);
  }
  scorer.max_window_s = options.windows.window_s;
  const double batch_s = options.batch_s > 0 ? options.batch_s : device >= 0 ? kCudaBatchS : kCpuBatchS;
  scorer.max_batch_s = std::max(batch_s, options.windows.window_s);
  scorer.scores_on_device = scores_on_device;
  if (device == kCpuDevice) {
    return options.fusion.models.empty()
               ? MakeCpuScorers(bundle, scorer, info.threads)
               : MakeFusedScorers(bundle, options.fusion, scorer, device, info.threads);
  }
  const auto make = [&]() -> StatusOr<Scorers> {
    if (!options.fusion.models.empty()) return MakeFusedScorers(bundle, options.fusion, scorer, device, 1);
    Scorers only(1);
    SKALD_ASSIGN_OR_RETURN(only[0], MakeCudaScorer(bundle, scorer, device));
    return only;
  };
  StatusOr<Scorers> cuda = make();
  while (cuda.status().code() == StatusCode::kDeviceOutOfMemory &&
         scorer.max_batch_s >= 2 * options.windows.window_s) {
    scorer.max_batch_s /= 2;
    cuda = make();
  }
  if (cuda.ok() && scorer.max_batch_s < batch_s) {
    info.notes.push_back(fmt::format("device memory is short: {} takes batches of {:g} s instead of {:g} s",
                                     DeviceName(device), scorer.max_batch_s, batch_s));
  }
  return cuda;
}

/// Scorers first: the model needs its memory, the search takes what is left.
Status Recognizer::State::AddDevice(int device) {
  const bool search_there = device >= 0 && options.search_device != "cpu" && heads.size() == 1 && has_graph();
  SKALD_ASSIGN_OR_RETURN(Scorers more, MakeScorers(device, search_there));
  if (search_there) {
    const Status status = AddSearches(device);
    if (status.code() == StatusCode::kDeviceOutOfMemory && options.search_device == "auto") {
      info.notes.push_back("device memory is short: the CPU searches");
      more.clear();
      SKALD_ASSIGN_OR_RETURN(more, MakeScorers(device, false));
    } else if (!status.ok()) {
      return status;
    }
  }
  std::move(more.begin(), more.end(), std::back_inserter(scorers));
  return Status::Ok();
}

Status Recognizer::State::AddSearches(int device) {
  // Two take turns: one builds lattices while the device works for the other.
  const int count = info.threads >= 4 && options.search_lanes != 1 ? 2 : 1;
  DeviceSearchShape shape;
  shape.lanes = options.search_lanes;
  SKALD_ASSIGN_OR_RETURN(auto more, MakeCudaSegmentSearches(*first_head().graph, options.search, shape,
                                                            device, count, first_head().Boosts()));
  std::move(more.begin(), more.end(), std::back_inserter(device_searches));
  return Status::Ok();
}

/// A device that cannot be had is left out where another one can.
Status Recognizer::State::MakeWorkers(std::span<const int> devices) {
  std::vector<Status> failures;
  for (const int device : devices) {
    Status status = AddDevice(device);
    if (status.ok()) continue;
    if (devices.size() == 1) return status;
    if (!IsDeviceFailure(status)) return status;
    info.notes.push_back(fmt::format("{} is not used: {}", DeviceName(device), status.ToString()));
    failures.push_back(std::move(status));
  }
  if (scorers.empty()) return failures.front();
  const bool any_cuda = std::any_of(scorers.begin(), scorers.end(),
                                    [](const auto& scorer) { return scorer->shape().device != kCpuDevice; });
  if (any_cuda && heads.size() > 1 && options.search_device == "auto") {
    info.notes.push_back("the CPU searches: a device searches one head only");
  }
  if (!any_cuda && options.search_device == "cuda" && heads.size() == 1)
    SKALD_RETURN_IF_ERROR(AddSearches(0));
  // The scorers of a CPU search too, between batches; those of a device do not.
  search_workers =
      any_cuda || !device_searches.empty() ? info.threads : info.threads - static_cast<int>(scorers.size());
  std::vector<std::string> on, precisions, search_on;
  for (const auto& scorer : scorers) {
    on.push_back(DeviceName(scorer->shape().device));
    precisions.push_back(scorer->shape().precision);
    options.batch_s = std::max(options.batch_s, scorer->shape().max_batch_s);
  }
  for (const auto& search : device_searches) search_on.push_back(DeviceName(search->device()));
  if (device_searches.empty()) search_on = {"cpu"};
  info.device = Joined(on);
  info.precision = Joined(precisions);
  info.search_device = Joined(search_on);
  const auto on_devices = std::set<std::string>(search_on.begin(), search_on.end()).size();
  if (!device_searches.empty()) NoteLanes(options.search_lanes * static_cast<int>(on_devices));
  return Status::Ok();
}

/// A graph that holds its topology is searched on the CPU.
Status Recognizer::State::CheckTopology() {
  if (!has_graph() || !first_head().graph->info().explicit_topology) return Status::Ok();
  if (options.search_device == "cuda") {
    return Status::Unsupported("a graph with explicit topology is searched on the CPU")
        .InFile(first_head().graph_path);
  }
  options.search_device = "cpu";
  return Status::Ok();
}

/// Windows that every scorer takes.
Status Recognizer::State::FitToModel() {
  for (const auto& scorer : scorers) {
    StatusOr<WindowOptions> fitting = FitWindows(options.windows, scorer->shape());
    if (!fitting.ok()) return std::move(fitting).status().InFile(bundle.folder());
    options.windows = *fitting;
  }
  return Status::Ok();
}

/// For i-vectors in which silence weighs less.
Status Recognizer::State::MakeFrameWeights() {
  const std::shared_ptr<const IvectorSource>& ivectors = scorers.front()->shape().ivectors;
  if (ivectors == nullptr || ivectors->model->options().silence_weight == 1) return Status::Ok();
  SearchWeightsSource::Options weights;
  weights.head = info.head;
  weights.search = first_head().search;
  weights.acoustic_scale = first_head().scaling.acoustic_scale;
  weights.silence_weight = ivectors->model->options().silence_weight;
  weights.chunk_frames = ivectors->model->options().chunk_frames;
  SKALD_ASSIGN_OR_RETURN(frame_weights, SearchWeightsSource::Create(bundle, *first_head().graph, weights));
  return Status::Ok();
}

/// Counts lanes, and notes where they are fewer than `wanted` (0: whatever fits).
void Recognizer::State::NoteLanes(int wanted) {
  search_lanes = 0;
  for (const auto& search : device_searches) search_lanes += search->counts().lanes;
  if (search_lanes < wanted) {
    info.notes.push_back(
        fmt::format("device memory is short: {} lanes search instead of {}", search_lanes, wanted));
  }
}

PipelineContext Recognizer::State::Context() const {
  PipelineContext context{options, has_graph() ? &*first_head().graph : nullptr, scorers, search_workers,
                          prototype};
  context.unit_spellings = first_head().unit_spellings;
  context.boost = first_head().Boosts();
  context.heads = combined;
  context.device_searches = device_searches;
  context.rescorer = first_head().rescorer.get();
  context.vad = vad.get();
  context.frame_weights = frame_weights.get();
  return context;
}

Status Recognizer::State::MakeHeads(const std::string& cache_folder, const BuildProgress& build_progress) {
  std::vector<HeadShare> shares = options.heads;
  if (shares.empty()) {
    const BundleManifest& manifest = bundle.manifest();
    const std::string& choice =
        options.decoding == Decoding::kGreedy ? manifest.greedy_head : manifest.search_head;
    shares = {{options.head.empty() ? choice : options.head}};
  }
  int64_t first_column = 0;
  for (const HeadShare& share : shares) {
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<SearchHead> head,
                           options.decoding == Decoding::kGreedy
                               ? MakeGreedyHead(bundle, share.name, options)
                               : MakeSearchHead(bundle, share.name, options, cache_folder, build_progress));
    info.head += (info.head.empty() ? "" : ",") + share.name;
    if (shares.size() > 1) info.head += fmt::format("={:g}", share.weight);
    heads.push_back(std::move(head));
    if (shares.size() == 1) break;
    const SearchHead& made = *heads.back();
    combined.push_back({*made.graph, made.search, made.Boosts(), made.rescorer.get(), first_column,
                        share.weight, options.raw_confidences ? ConfidenceMap() : made.confidence_map});
    first_column += made.graph->info().unit_count;
  }
  info.graph_path = first_head().graph_path;
  options.search = first_head().search;
  if (!options.raw_confidences) {
    options.description.confidence_map =
        combined.empty() ? first_head().confidence_map : MapOfCombination(bundle.manifest(), shares);
  }
  return Status::Ok();
}

Status Recognizer::State::ChooseDecoding() {
  if (options.decoding != Decoding::kAuto) return Status::Ok();
  const BundleManifest& manifest = bundle.manifest();
  const bool greedy = options.graph_path.empty() && manifest.graph_file.empty() && manifest.lm_file.empty();
  options.decoding = greedy ? Decoding::kGreedy : Decoding::kGraph;
  if (!greedy) return Status::Ok();
  constexpr char kWhy[] = "the model has no language model";
  info.notes.push_back(std::string(kWhy) + ": words are what the best unit of every frame spells");
  if (Status status = options.Validate(); !status.ok()) {
    return Status::InvalidArgument(status.reason() + " (" + kWhy + ")").InFile(bundle.folder());
  }
  return Status::Ok();
}

void Recognizer::State::DescribeOptions() {
  const LargeLmRescorer* const rescorer = first_head().rescorer.get();
  prototype.model_name = bundle.manifest().name;
  prototype.model_sha256 = bundle.weights_sha256();
  std::vector<std::pair<std::string, std::string>>& described = prototype.options;
  described = {{"head", info.head}, {"precision", info.precision}};
  if (has_graph()) {
    prototype.graph_sha256 = first_head().graph->content_hash();
    described.insert(described.end(),
                     {{"beam", fmt::format("{:g}", options.search.beam)},
                      {"lattice_beam", fmt::format("{:g}", options.search.lattice_beam)},
                      {"max_active", fmt::format("{}", options.search.max_active)},
                      {"lm_scale", fmt::format("{:g}", 1.0 / first_head().scaling.acoustic_scale)},
                      {"word_penalty", fmt::format("{:g}", options.search.word_penalty)}});
  }
  described.emplace_back("blank_penalty", fmt::format("{:g}", first_head().scaling.blank_penalty));
  described.emplace_back("decode", has_graph() ? DecodeAsText(options.description) : "greedy");
  if (has_graph()) {
    described.emplace_back("boosted_phrases", fmt::format("{}", options.boosts.size()));
    described.emplace_back("rescore",
                           rescorer == nullptr
                               ? "none"
                               : fmt::format("lm {}, weight {:g}, lm scale {:g}, word penalty {:g}",
                                             rescorer->model_hash(), options.rescoring.weight,
                                             options.rescoring.lm_scale, options.rescoring.word_penalty));
  }
  described.insert(described.end(), {{"also_models", AlsoModelsAsText(options.fusion)},
                                     {"window_s", fmt::format("{:g}", options.windows.window_s)},
                                     {"context_s", fmt::format("{:g}", options.windows.context_s)},
                                     {"pause_s", fmt::format("{:g}", options.endpoint.pause_s)}});
  if (vad != nullptr) prototype.options.emplace_back("vad", vad->Describe());
}

StatusOr<std::unique_ptr<Recognizer>> Recognizer::Create(const RecognizerOptions& options,
                                                         const BuildProgress& build_progress) {
  Stopwatch watch;
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_ASSIGN_OR_RETURN(std::vector<int> devices, ResolveDevices(options.device));
  std::string folder = options.model_folder;
  if (folder.empty()) {
    SKALD_ASSIGN_OR_RETURN(folder, FindDefaultBundle());
  }
  SKALD_ASSIGN_OR_RETURN(Bundle bundle, Bundle::Open(folder));
  if (options.device == "auto" && std::holds_alternative<Nnet3Sizes>(bundle.manifest().sizes))
    devices = {kCpuDevice};
  auto state = std::make_unique<State>(std::move(bundle));
  state->options = options;
  state->info.model_folder = folder;
  state->info.model_name = state->bundle.manifest().name;
  state->info.threads = options.threads > 0
                            ? options.threads
                            : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const auto head = state->bundle.manifest().heads.find(
      options.head.empty() ? state->bundle.manifest().search_head : options.head);
  if (head != state->bundle.manifest().heads.end()) ApplyBundleChoices(head->second, &state->options);
  SKALD_RETURN_IF_ERROR(state->ChooseDecoding());
  const std::string cache = options.cache_folder.empty() ? DefaultCacheFolder() : options.cache_folder;
  SKALD_RETURN_IF_ERROR(state->MakeHeads(cache, build_progress));
  if (options.vad.detector != "off") {
    SKALD_ASSIGN_OR_RETURN(state->vad, VoiceActivity::Create(options.vad));
  }
  SKALD_RETURN_IF_ERROR(state->CheckTopology());
  SKALD_RETURN_IF_ERROR(state->MakeWorkers(devices));
  SKALD_RETURN_IF_ERROR(state->FitToModel());
  SKALD_RETURN_IF_ERROR(state->MakeFrameWeights());
  state->DescribeOptions();
  state->info.load_s = watch.Seconds();
  return std::unique_ptr<Recognizer>(new Recognizer(std::move(state)));
}

Recognizer::Recognizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recognizer::~Recognizer() = default;

const RecognizerInfo& Recognizer::info() const { return state_->info; }
const Bundle& Recognizer::bundle() const { return state_->bundle; }
bool Recognizer::has_graph() const { return state_->has_graph(); }
const GraphImage& Recognizer::graph() const {
  SKALD_CHECK(has_graph(), "a recognizer that decodes greedily has no graph");
  return *state_->first_head().graph;
}
std::span<const std::string> Recognizer::unit_spellings() const {
  return state_->first_head().unit_spellings;
}
const SearchOptions& Recognizer::search_options() const { return state_->options.search; }
const BoostAutomaton* Recognizer::boosts() const { return state_->first_head().Boosts(); }
float Recognizer::acoustic_scale() const { return state_->first_head().scaling.acoustic_scale; }
double Recognizer::batch_s() const { return state_->scorers.front()->shape().max_batch_s; }
const VoiceActivity* Recognizer::voice_activity() const { return state_->vad.get(); }
Scorer* Recognizer::first_scorer() { return state_->scorers.front().get(); }
std::span<const std::unique_ptr<DeviceSegmentSearch>> Recognizer::device_searches() const {
  return state_->device_searches;
}

PipelineReport Recognizer::TranscribeFiles(const std::vector<std::string>& paths, const MediaOptions& media,
                                           const ResultSink& sink, const ProgressSink& progress,
                                           const LatticeSink& lattices) {
  PipelineContext context = state_->Context();
  context.lattice_sink = lattices;
  PipelineReport report = RunPipeline(context, paths, media, sink, progress);
  state_->NoteLanes(state_->search_lanes);
  return report;
}

PipelineReport Recognizer::TranscribeInputs(const InputSource& inputs, int64_t files,
                                            const MediaOptions& media, const ResultSink& sink,
                                            const ProgressSink& progress, int writers, SegmentSink* segments,
                                            const LatticeSink& lattices) {
  PipelineContext context = state_->Context();
  context.writers = writers;
  context.segment_sink = segments;
  context.lattice_sink = lattices;
  PipelineReport report = RunPipeline(context, inputs, files, media, sink, progress);
  state_->NoteLanes(state_->search_lanes);
  return report;
}

PipelineReport Recognizer::TranscribeSamples(std::span<const PcmView> inputs, const ResultSink& sink,
                                             const ProgressSink& progress) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < inputs.size(); ++i) paths.push_back(fmt::format("samples:{}", i));
  PipelineContext context = state_->Context();
  context.samples = inputs;
  PipelineReport report = RunPipeline(context, paths, {}, sink, progress);
  state_->NoteLanes(state_->search_lanes);
  return report;
}

FileResult Recognizer::TranscribeFile(const std::string& path, const MediaOptions& media) {
  FileResult only;
  TranscribeFiles({path}, media, [&](FileResult result) { only = std::move(result); });
  return only;
}

}  // namespace skald
