#include "options.h"

#include <functional>
#include <map>
#include <pybind11/stl.h>
#include <skald/output_format.h>
#include <string>
#include <vector>

#include "errors.h"

namespace skald::python {
namespace {

namespace py = pybind11;

using Set = std::function<void(RecognizerOptions*, const py::object&)>;

void SetBoosts(RecognizerOptions* options, const py::object& phrases) {
  if (py::isinstance<py::str>(phrases))
    throw py::type_error("boost is a list of phrases or (phrase, weight)");
  for (const py::handle& item : phrases) {
    BoostRequest request;
    if (py::isinstance<py::str>(item)) {
      request.phrase = item.cast<std::string>();
    } else {
      std::tie(request.phrase, request.weight) = item.cast<std::pair<std::string, double>>();
    }
    options->boosts.push_back(request);
  }
}

void SetRescore(RecognizerOptions* options, const py::object& value) {
  if (py::isinstance<py::bool_>(value)) {
    options->rescoring.enabled = value.cast<bool>();
    return;
  }
  const std::string name = PathOf(value);
  options->rescoring.enabled = name != "none";
  if (name != "none" && name != "large") options->rescoring.lm_path = name;
}

void SetDecode(RecognizerOptions* options, const py::object& value) {
  if (const Status status = options->SetDecode(value.cast<std::string>()); !status.ok()) Raise(status);
}

void SetAlsoModels(RecognizerOptions* options, const py::object& models) {
  for (const py::handle& item : models) {
    if (py::isinstance<py::str>(item)) {
      options->fusion.models.push_back({item.cast<std::string>(), 1});
    } else {
      const auto [folder, weight] = item.cast<std::pair<std::string, double>>();
      options->fusion.models.push_back({folder, weight});
    }
  }
}

/// The setter of a plain field: `field` names it in the options.
template <typename Field>
Set Plain(Field field) {
  return [field](RecognizerOptions* options, const py::object& value) {
    auto& target = field(*options);
    target = value.cast<std::remove_reference_t<decltype(target)>>();
  };
}
#define SKALD_FIELD(path) Plain([](RecognizerOptions & options) -> auto& { return options.path; })

const std::map<std::string, Set>& Setters() {
  static const std::map<std::string, Set> setters = {
      {"model",
       [](RecognizerOptions* options, const py::object& path) { options->model_folder = PathOf(path); }},
      {"graph",
       [](RecognizerOptions* options, const py::object& path) { options->graph_path = PathOf(path); }},
      {"cache",
       [](RecognizerOptions* options, const py::object& path) { options->cache_folder = PathOf(path); }},
      {"device", SKALD_FIELD(device)},
      {"search", SKALD_FIELD(search_device)},
      {"lanes", SKALD_FIELD(search_lanes)},
      {"precision", SKALD_FIELD(precision)},
      {"threads", SKALD_FIELD(threads)},
      {"head", SKALD_FIELD(head)},
      {"beam", SKALD_FIELD(beam)},
      {"lattice_beam", SKALD_FIELD(lattice_beam)},
      {"max_active", SKALD_FIELD(max_active)},
      {"lm_scale", SKALD_FIELD(lm_scale)},
      {"word_penalty", SKALD_FIELD(word_penalty)},
      {"blank_penalty", SKALD_FIELD(blank_penalty)},
      {"boost", SetBoosts},
      {"rescore", SetRescore},
      {"rescore_weight", SKALD_FIELD(rescoring.weight)},
      {"rescore_lm_scale", SKALD_FIELD(rescoring.lm_scale)},
      {"rescore_word_penalty", SKALD_FIELD(rescoring.word_penalty)},
      {"also_model", SetAlsoModels},
      {"decode", SetDecode},
      {"mbr_scale", SKALD_FIELD(mbr_scale)},
      {"confidence_scale", SKALD_FIELD(confidence_scale)},
      {"raw_confidences", SKALD_FIELD(raw_confidences)},
      {"nbest", SKALD_FIELD(description.nbest)},
      {"alternatives", SKALD_FIELD(description.alternatives)},
      {"lattice_type",
       [](RecognizerOptions* options, const py::object& name) {
         options->description.lattice_type = ValueOrRaise(ParseLatticeType(name.cast<std::string>()));
       }},
      {"vad", SKALD_FIELD(vad.detector)},
      {"vad_threshold", SKALD_FIELD(vad.gate.threshold)},
      {"vad_padding",
       [](RecognizerOptions* options, const py::object& seconds) {
         options->vad.gate.lead_s = options->vad.gate.tail_s = seconds.cast<double>();
       }},
      {"vad_min_skip", SKALD_FIELD(vad.gate.min_skip_s)},
      {"window", SKALD_FIELD(windows.window_s)},
      {"context", SKALD_FIELD(windows.context_s)},
      {"pause", SKALD_FIELD(endpoint.pause_s)},
      {"batch", SKALD_FIELD(batch_s)},
  };
  return setters;
}
#undef SKALD_FIELD

}  // namespace

std::string PathOf(const py::handle& path) {
  return py::module_::import("os").attr("fsencode")(path).cast<std::string>();
}

RecognizerOptions OptionsOf(const py::kwargs& keywords) {
  RecognizerOptions options;
  for (const auto& [key, value] : keywords) {
    const auto name = key.cast<std::string>();
    const auto setter = Setters().find(name);
    if (setter == Setters().end()) throw py::type_error("'" + name + "' is no option of the recognizer");
    if (value.is_none()) continue;  // as if it were not given
    try {
      setter->second(&options, py::reinterpret_borrow<py::object>(value));
    } catch (const py::cast_error&) {
      throw py::type_error("option '" + name + "' cannot be " + py::repr(value).cast<std::string>());
    }
  }
  RaiseIfError(options.Validate());
  return options;
}

}  // namespace skald::python
