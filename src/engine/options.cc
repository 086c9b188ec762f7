#include "engine/options.h"

#include <cmath>
#include <set>

#include "engine/device_list.h"

namespace skald {

Status RecognizerOptions::ValidateHeads() const {
  if (heads.empty()) return Status::Ok();
  double sum = 0;
  std::set<std::string> names;
  for (const HeadShare& share : heads) {
    if (!names.insert(share.name).second) {
      return Status::InvalidArgument("the head '" + share.name + "' is named twice");
    }
    if (!(share.weight >= 0 && share.weight <= 1000)) {
      return Status::InvalidArgument("weights of heads must be within 0 to 1000");
    }
    sum += share.weight;
  }
  if (!(sum > 0)) return Status::InvalidArgument("every head has weight 0");
  if (!head.empty()) return Status::InvalidArgument("either one head or several, not both");
  if (heads.size() == 1) return Status::Ok();
  if (!graph_path.empty()) return Status::InvalidArgument("a graph belongs to one head, not to several");
  if (search_device == "cuda") return Status::InvalidArgument("several heads are searched on the CPU only");
  if (description.lattice_type != LatticeType::kNone) {
    return Status::InvalidArgument("lattices are written of one head, not of several");
  }
  return Status::Ok();
}

Status RecognizerOptions::ValidateGreedy() const {
  const auto refuse = [](const char* what) {
    return Status::InvalidArgument(std::string("greedy decoding ") + what);
  };
  if (!graph_path.empty()) return refuse("uses no graph");
  if (heads.size() > 1) return refuse("hears with one head, not with several");
  if (search_device == "cuda") return refuse("reads scores on the CPU only");
  if (!boosts.empty()) return refuse("has no hypotheses to boost");
  if (rescoring.enabled) return refuse("has no alternatives to rescore");
  if (description.nbest > 0 || description.alternatives > 0) return refuse("has no alternatives to list");
  if (description.lattice_type != LatticeType::kNone) return refuse("makes no lattices");
  return Status::Ok();
}

Status RecognizerOptions::SetDecode(const std::string& name) {
  if (name != "auto" && name != "viterbi" && name != "mbr" && name != "greedy") {
    return Status::InvalidArgument("decode is auto, viterbi, mbr or greedy, not '" + name + "'");
  }
  decoding = name == "auto" ? Decoding::kAuto : name == "greedy" ? Decoding::kGreedy : Decoding::kGraph;
  description.word_rule = name == "viterbi" ? WordRule::kViterbi : WordRule::kMbr;
  return Status::Ok();
}

Status RecognizerOptions::Validate() const {
  SKALD_RETURN_IF_ERROR(ParseDeviceList(device).status());
  if (search_device != "auto" && search_device != "cpu" && search_device != "cuda") {
    return Status::InvalidArgument("search_device is auto, cpu or cuda, not '" + search_device + "'");
  }
  if (search_lanes < 0 || search_lanes > 65536) {
    return Status::InvalidArgument("search_lanes must be within 0 to 65536");
  }
  if (precision != "auto" && precision != "f32" && precision != "bf16" && precision != "f16" &&
      precision != "int8") {
    return Status::InvalidArgument("precision is auto, f32, bf16, f16 or int8, not '" + precision + "'");
  }
  if (threads < 0 || threads > 1024) return Status::InvalidArgument("threads must be within 0 to 1024");
  if (!(lm_scale >= 0 && lm_scale <= 100)) return Status::InvalidArgument("lm_scale must be within 0 to 100");
  if (blank_penalty.has_value() && !(std::abs(*blank_penalty) <= 100)) {
    return Status::InvalidArgument("blank_penalty must be within -100 to 100");
  }
  if (word_penalty.has_value() && !(std::abs(*word_penalty) <= 100)) {
    return Status::InvalidArgument("word_penalty must be within -100 to 100");
  }
  if (batch_s != 0 && !(batch_s >= 1 && batch_s <= 36000)) {
    return Status::InvalidArgument("batch_s must be 0 or within 1 to 36000");
  }
  SKALD_RETURN_IF_ERROR(ValidateHeads());
  SearchOptions chosen = search;
  chosen.beam = beam.value_or(search.beam);
  chosen.lattice_beam = lattice_beam.value_or(search.lattice_beam);
  chosen.max_active = max_active.value_or(search.max_active);
  SKALD_RETURN_IF_ERROR(chosen.Validate());
  DescriptionOptions described = description;
  described.mbr_scale = mbr_scale.value_or(description.mbr_scale);
  described.graph_scale = graph_scale.value_or(description.graph_scale);
  described.confidence_scale = confidence_scale.value_or(description.confidence_scale);
  SKALD_RETURN_IF_ERROR(described.Validate());
  if (decoding == Decoding::kGreedy) SKALD_RETURN_IF_ERROR(ValidateGreedy());
  SKALD_RETURN_IF_ERROR(rescoring.Validate());
  SKALD_RETURN_IF_ERROR(vad.Validate());
  SKALD_RETURN_IF_ERROR(windows.Validate());
  return endpoint.Validate();
}

}  // namespace skald
