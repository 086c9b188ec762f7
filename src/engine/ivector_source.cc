#include "engine/ivector_source.h"

#include <map>
#include <string>
#include <utility>

#include "models/bundle/safetensors.h"

namespace skald {
namespace {

StatusOr<IvectorOptions> OptionsOf(const IvectorDescription& description, int feature_bins) {
  IvectorOptions options;
  options.feature_bins = feature_bins;
  options.size = description.size;
  const std::map<std::string, int*> whole = {{"splice_left", &options.splice_left},
                                             {"splice_right", &options.splice_right},
                                             {"selected_gaussians", &options.selected_gaussians},
                                             {"solver_steps", &options.solver_steps},
                                             {"mean_frames", &options.mean_frames},
                                             {"global_mean_frames", &options.global_mean_frames},
                                             {"chunk_frames", &options.chunk_frames},
                                             {"right_context", &options.right_context},
                                             {"step_samples", &options.step_samples}};
  const std::map<std::string, double*> real = {{"least_posterior", &options.least_posterior},
                                               {"posterior_scale", &options.posterior_scale},
                                               {"max_count", &options.max_count},
                                               {"silence_weight", &options.silence_weight},
                                               {"least_energy", &options.least_energy},
                                               {"prior_offset", &options.prior_offset}};
  for (const auto& [name, value] : description.settings) {
    if (const auto place = whole.find(name); place != whole.end()) {
      if (!(value >= -1e9 && value <= 1e9) || value != static_cast<int>(value)) {
        return Status::Corrupt("i-vector setting \"" + name + "\" is not a whole number");
      }
      *place->second = static_cast<int>(value);
    } else if (const auto number = real.find(name); number != real.end()) {
      *number->second = value;
    } else {
      return Status::Unsupported("i-vector setting \"" + name + "\"");
    }
  }
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

Status Read(const SafetensorsFile& file, const char* name, std::vector<float>* values) {
  const auto tensor = file.tensors().find(name);
  if (tensor == file.tensors().end()) {
    return Status::Corrupt("is missing").InFile(file.path()).At(std::string("tensor ") + name);
  }
  *values = tensor->second.ToFloat();
  return Status::Ok();
}

}  // namespace

StatusOr<std::shared_ptr<const IvectorSource>> IvectorSourceOfBundle(const Bundle& bundle,
                                                                     const FeatureExtractor& extractor) {
  if (!bundle.manifest().ivector.has_value()) return std::shared_ptr<const IvectorSource>();
  const IvectorDescription& description = *bundle.manifest().ivector;
  StatusOr<IvectorOptions> options = OptionsOf(description, extractor.bins());
  if (!options.ok()) return std::move(options).status().InFile(bundle.folder() + "/bundle.json");
  SKALD_ASSIGN_OR_RETURN(const std::string path, bundle.VerifiedPath(description.weights_file));
  SKALD_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  IvectorParameters parameters;
  SKALD_RETURN_IF_ERROR(Read(file, "projection", &parameters.projection));
  SKALD_RETURN_IF_ERROR(Read(file, "global_mean", &parameters.global_mean));
  SKALD_RETURN_IF_ERROR(Read(file, "gaussians.constants", &parameters.constants));
  SKALD_RETURN_IF_ERROR(Read(file, "gaussians.scaled_means", &parameters.scaled_means));
  SKALD_RETURN_IF_ERROR(Read(file, "gaussians.inverse_variances", &parameters.inverse_variances));
  SKALD_RETURN_IF_ERROR(Read(file, "extractor.loadings", &parameters.factor_loadings));
  SKALD_RETURN_IF_ERROR(Read(file, "extractor.inverse_covariances", &parameters.inverse_covariances));
  StatusOr<IvectorModel> model = IvectorModel::Create(*options, std::move(parameters));
  if (!model.ok()) return std::move(model).status().InFile(path);
  return std::shared_ptr<const IvectorSource>(std::make_shared<IvectorSource>(
      IvectorSource{std::make_shared<const IvectorModel>(std::move(model).value()), extractor}));
}

std::unique_ptr<IvectorStream> IvectorSource::NewStream(std::unique_ptr<FrameWeights> weights) const {
  return std::make_unique<IvectorStream>(model, extractor, std::move(weights));
}

int64_t IvectorSource::RowCount(size_t samples) const {
  const int64_t frames = extractor.FrameCount(static_cast<int64_t>(samples));
  return frames == 0 ? 0 : frames + frames_behind();
}

std::vector<float> IvectorSource::OfWindow(IvectorStream* stream, int64_t first_sample,
                                           size_t samples) const {
  const int64_t first_frame = first_sample / extractor.options().frame_shift_samples;
  const int64_t frames = RowCount(samples);
  std::vector<float> rows(static_cast<size_t>(frames * stream->size()));
  stream->Forget(first_frame);
  stream->Read(first_frame, {rows.data(), frames, stream->size()});
  return rows;
}

std::vector<float> IvectorSource::OfWindowAlone(PcmView window) const {
  const std::unique_ptr<IvectorStream> stream = NewStream();
  stream->Push(window);
  stream->Finish();
  return OfWindow(stream.get(), 0, window.size());
}

}  // namespace skald
