#include "models/importers/kaldi_network.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include "models/architectures/nnet3.h"

namespace skald {
namespace {

using Operator = Nnet3Sizes::Operator;
using Term = Nnet3Sizes::Term;
using Parts = std::vector<std::vector<Term>>;

constexpr int kMaxOffset = 1000;
constexpr int kMaxDepth = 100;

/// An input descriptor, parsed: a node, or a function of descriptors and numbers.
struct Descriptor {
  std::string function;  ///< empty: a node, or a number
  std::string name;
  std::vector<Descriptor> arguments;
};

class DescriptorParser {
 public:
  explicit DescriptorParser(std::string_view text) : text_(text) {}

  /// False where the text is no descriptor.
  bool Parse(Descriptor* descriptor) { return ParseOne(descriptor, 0) && Peek() == '\0'; }

 private:
  char Peek() {
    while (place_ < text_.size() && text_[place_] == ' ') ++place_;
    return place_ < text_.size() ? text_[place_] : '\0';
  }
  bool ParseOne(Descriptor* descriptor, int depth) {
    if (depth > kMaxDepth) return false;
    Peek();
    const size_t begin = place_;
    while (place_ < text_.size() && std::string_view("(), ").find(text_[place_]) == std::string_view::npos)
      ++place_;
    const std::string word(text_.substr(begin, place_ - begin));
    if (word.empty()) return false;
    if (Peek() != '(') {
      descriptor->name = word;
      return true;
    }
    descriptor->function = word;
    do {
      ++place_;
      if (!ParseOne(&descriptor->arguments.emplace_back(), depth + 1)) return false;
    } while (Peek() == ',');
    if (Peek() != ')') return false;
    ++place_;
    return true;
  }

  std::string_view text_;
  size_t place_ = 0;
};

bool ParseNumber(const Descriptor& descriptor, double* number) {
  if (!descriptor.function.empty()) return false;
  char* end = nullptr;
  *number = std::strtod(descriptor.name.c_str(), &end);
  return end != descriptor.name.c_str() && *end == '\0' && std::isfinite(*number);
}

void CountNodes(const Descriptor& descriptor, std::map<std::string, int>* uses) {
  if (descriptor.function.empty()) ++(*uses)[descriptor.name];
  for (const Descriptor& argument : descriptor.arguments) CountNodes(argument, uses);
}

class Converter {
 public:
  explicit Converter(const KaldiNnet3& network) : network_(network) {}

  StatusOr<KaldiNetwork> Convert() {
    for (const KaldiNode& node : network_.nodes) {
      if (!nodes_.emplace(node.name, &node).second) return Bad(node, "comes twice");
      if (node.kind == "input-node") SKALD_RETURN_IF_ERROR(AddInput(node));
    }
    const auto output = nodes_.find("output");
    if (output == nodes_.end() || output->second->kind != "output-node") {
      return Status::Corrupt("the network has no output node \"output\"").InFile(network_.path);
    }
    if (result_.sizes.feature_bins == 0) {
      return Status::Corrupt("the network has no input node \"input\"").InFile(network_.path);
    }
    SKALD_RETURN_IF_ERROR(FindUses(*output->second));
    SKALD_ASSIGN_OR_RETURN(const Parts parts, InputOf(*output->second));
    SKALD_RETURN_IF_ERROR(AddOutput(*output->second, parts));
    const StatusOr<Nnet3Shape> shape = ShapeOfNnet3(result_.sizes);
    if (!shape.ok()) return Status(shape.status()).InFile(network_.path);
    SKALD_RETURN_IF_ERROR(TakeTensors());
    return std::move(result_);
  }

 private:
  Status Located(const KaldiNode& node, Status status) const {
    return std::move(status)
        .InFile(network_.path)
        .At("byte " + std::to_string(node.position) + ", node " + node.name);
  }
  Status Bad(const KaldiNode& node, const std::string& reason) const {
    return Located(node, Status::Corrupt(reason));
  }
  Status NotRun(const KaldiNode& node, const std::string& what) const {
    return Located(node, Status::Unsupported(what + ", which Skald does not run"));
  }

  Status AddInput(const KaldiNode& node) {
    const auto dim = node.values.find("dim");
    const int width = dim == node.values.end() ? 0 : std::atoi(dim->second.c_str());
    if (width < 1 || width > 10000) return Bad(node, "an input of " + std::to_string(width) + " values");
    if (node.name == "input") {
      result_.sizes.feature_bins = width;
    } else if (node.name == "ivector") {
      result_.sizes.ivector_size = width;
    } else {
      return NotRun(node, "an input other than \"input\" and \"ivector\"");
    }
    return Status::Ok();
  }

  StatusOr<Descriptor> DescriptorOf(const KaldiNode& node) const {
    Descriptor descriptor;
    const auto input = node.values.find("input");
    if (input == node.values.end() || !DescriptorParser(input->second).Parse(&descriptor)) {
      return Bad(node, "its input is not a descriptor");
    }
    return descriptor;
  }

  /// How often each node is named by nodes that the output needs.
  Status FindUses(const KaldiNode& output) {
    std::vector<const KaldiNode*> open{&output};
    std::set<std::string> seen{output.name};
    while (!open.empty()) {
      const KaldiNode& node = *open.back();
      open.pop_back();
      if (node.kind == "input-node") continue;
      SKALD_ASSIGN_OR_RETURN(const Descriptor descriptor, DescriptorOf(node));
      std::map<std::string, int> named;
      CountNodes(descriptor, &named);
      for (const auto& [name, count] : named) {
        const auto found = nodes_.find(name);
        if (found == nodes_.end()) continue;  // a number, or named when it is looked up
        uses_[name] += count;
        if (seen.insert(name).second) open.push_back(found->second);
      }
    }
    return Status::Ok();
  }

  StatusOr<Parts> InputOf(const KaldiNode& node) {
    SKALD_ASSIGN_OR_RETURN(const Descriptor descriptor, DescriptorOf(node));
    return PartsOf(node, descriptor);
  }

  StatusOr<Parts> PartsOf(const KaldiNode& node, const Descriptor& descriptor) {
    const std::string& function = descriptor.function;
    const std::vector<Descriptor>& arguments = descriptor.arguments;
    if (function.empty()) {
      SKALD_ASSIGN_OR_RETURN(const int source, SourceOf(node, descriptor.name));
      return Parts{{Term{source, 0, 1}}};
    }
    Parts parts;
    if (function == "Append") {
      for (const Descriptor& argument : arguments) {
        SKALD_ASSIGN_OR_RETURN(const Parts more, PartsOf(node, argument));
        parts.insert(parts.end(), more.begin(), more.end());
      }
      return parts;
    }
    if (function == "Sum") {
      for (const Descriptor& argument : arguments) {
        SKALD_ASSIGN_OR_RETURN(const Parts more, PartsOf(node, argument));
        if (parts.empty()) parts.resize(more.size());
        if (parts.size() != more.size()) return NotRun(node, "a Sum of different Appends");
        for (size_t i = 0; i < more.size(); ++i)
          parts[i].insert(parts[i].end(), more[i].begin(), more[i].end());
      }
      return parts;
    }
    double number = 0;
    if (function == "Scale" && arguments.size() == 2 && ParseNumber(arguments[0], &number)) {
      SKALD_ASSIGN_OR_RETURN(parts, PartsOf(node, arguments[1]));
      for (auto& part : parts) {
        for (Term& term : part) term.scale *= number;
      }
      return parts;
    }
    if (function == "Offset" && arguments.size() == 2 && ParseNumber(arguments[1], &number)) {
      if (number != std::floor(number) || std::abs(number) > kMaxOffset) {
        return Bad(node, "an Offset that is no whole number up to 1000");
      }
      SKALD_ASSIGN_OR_RETURN(parts, PartsOf(node, arguments[0]));
      return Shifted(std::move(parts), static_cast<int>(number));
    }
    // One i-vector for a stretch of frames: which one a frame has, its features say.
    const bool constant_time =
        function == "ReplaceIndex" && arguments.size() == 3 && arguments[1].name == "t";
    if ((constant_time || (function == "Round" && arguments.size() == 2)) && arguments[0].name == "ivector") {
      return PartsOf(node, arguments[0]);
    }
    return NotRun(node, "the descriptor " + function + " here");
  }

  static Parts Shifted(Parts parts, int offset) {
    for (auto& part : parts) {
      for (Term& term : part) term.offset += offset;
    }
    return parts;
  }

  /// Number of the layer, or input, that a node's value comes from; makes the layers that are not there yet.
  StatusOr<int> SourceOf(const KaldiNode& user, const std::string& name) {
    if (name == "input") return int{Nnet3Sizes::kFeatures};
    if (name == "ivector" && result_.sizes.ivector_size > 0) return int{Nnet3Sizes::kIvector};
    const auto known = source_of_.find(name);
    if (known != source_of_.end()) return known->second;
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) return Bad(user, "takes from " + name + ", which is no node");
    const KaldiNode& node = *found->second;
    if (node.kind != "component-node") return NotRun(user, "an input from the " + node.kind + " " + name);
    if (!under_way_.insert(name).second) return NotRun(node, "recurrence (the node depends on itself)");
    if (under_way_.size() > 2000) return NotRun(node, "a chain of more than 2000 nodes");
    SKALD_ASSIGN_OR_RETURN(const int source, AddNode(node));
    under_way_.erase(name);
    source_of_[name] = source;
    if (uses_[name] > 1) shared_.insert(source);
    return source;
  }

  StatusOr<int> AddNode(const KaldiNode& node) {
    const auto named = node.values.find("component");
    const auto found =
        named == node.values.end() ? network_.components.end() : network_.components.find(named->second);
    if (found == network_.components.end()) return Bad(node, "its component is not there");
    const KaldiComponent& component = found->second;
    SKALD_ASSIGN_OR_RETURN(const Parts parts, InputOf(node));
    const std::string& type = component.type;
    if (type == "TdnnComponent") {
      const auto offsets = component.integers.find("<TimeOffsets>");
      if (offsets == component.integers.end() || offsets->second.empty()) return Bad(node, "no time offsets");
      Parts spliced;
      for (const int32_t offset : offsets->second) {
        if (std::abs(offset) > kMaxOffset) return Bad(node, "a time offset of " + std::to_string(offset));
        const Parts shifted = Shifted(parts, offset);
        spliced.insert(spliced.end(), shifted.begin(), shifted.end());
      }
      return AddAffine(node, component, spliced);
    }
    if (type == "AffineComponent" || type == "NaturalGradientAffineComponent" ||
        type == "FixedAffineComponent" || type == "LinearComponent") {
      return AddAffine(node, component, parts);
    }
    if (type == "NoOpComponent" || type == "DropoutComponent" || type == "GeneralDropoutComponent") {
      return Extendable(parts) || IsPlain(parts) ? parts[0][0].source : NewLayer(node, parts);
    }
    const int source = Extendable(parts) ? parts[0][0].source : NewLayer(node, parts);
    SKALD_RETURN_IF_ERROR(AddPointwise(node, component, source));
    return source;
  }

  static bool IsPlain(const Parts& parts) {
    return parts.size() == 1 && parts[0].size() == 1 && parts[0][0].offset == 0 && parts[0][0].scale == 1 &&
           parts[0][0].source >= Nnet3Sizes::kFirstLayer;
  }
  /// Whether an operation on `parts` may become the last one of the layer that they are.
  bool Extendable(const Parts& parts) const {
    return IsPlain(parts) && shared_.count(parts[0][0].source) == 0;
  }

  int NewLayer(const KaldiNode& node, const Parts& parts) {
    result_.sizes.layers.push_back({node.name, parts, {}});
    weights_.emplace_back();
    const auto number = static_cast<int>(weights_.size()) - 1 + Nnet3Sizes::kFirstLayer;
    int64_t width = 0;
    for (const auto& part : parts) width += WidthOf(part[0].source);
    widths_.push_back(static_cast<int>(std::min<int64_t>(width, 1 << 30)));
    return number;
  }
  int WidthOf(int source) const {
    if (source == Nnet3Sizes::kFeatures) return result_.sizes.feature_bins;
    if (source == Nnet3Sizes::kIvector) return result_.sizes.ivector_size;
    return widths_[static_cast<size_t>(source - Nnet3Sizes::kFirstLayer)];
  }
  void AddOperation(int source, Nnet3Sizes::Operation operation, Nnet3Weights::Operation values) {
    const auto layer = static_cast<size_t>(source - Nnet3Sizes::kFirstLayer);
    result_.sizes.layers[layer].operations.push_back(operation);
    weights_[layer].push_back(std::move(values));
  }

  StatusOr<int> AddAffine(const KaldiNode& node, const KaldiComponent& component, const Parts& parts) {
    const auto linear =
        component.matrices.find(component.type == "LinearComponent" ? "<Params>" : "<LinearParams>");
    if (linear == component.matrices.end()) return Bad(node, "its component has no matrix");
    const KaldiMatrix& matrix = linear->second;
    const auto bias = component.vectors.find("<BiasParams>");
    const int source = NewLayer(node, parts);
    if (matrix.rows < 1 || matrix.rows > 65535 || matrix.columns != WidthOf(source)) {
      return Bad(node, "a matrix [" + std::to_string(matrix.rows) + ", " + std::to_string(matrix.columns) +
                           "] for " + std::to_string(WidthOf(source)) + " inputs");
    }
    Nnet3Weights::Operation values{matrix.ToFloat(), std::vector<float>(static_cast<size_t>(matrix.rows))};
    if (bias != component.vectors.end() && !bias->second.empty()) {
      if (bias->second.size() != values.bias.size()) {
        return Bad(node, std::to_string(bias->second.size()) + " biases for " + std::to_string(matrix.rows) +
                             " outputs");
      }
      values.bias.assign(bias->second.begin(), bias->second.end());
    } else if (component.type == "AffineComponent" || component.type == "NaturalGradientAffineComponent" ||
               component.type == "FixedAffineComponent") {
      return Bad(node, "its component has no biases");
    }
    widths_.back() = static_cast<int>(matrix.rows);
    AddOperation(source, {Operator::kAffine, static_cast<int>(matrix.rows)}, std::move(values));
    return source;
  }

  Status AddPointwise(const KaldiNode& node, const KaldiComponent& component, int source) {
    const std::string& type = component.type;
    const int width = WidthOf(source);
    if (const auto dim = component.numbers.find("<Dim>");
        dim != component.numbers.end() && dim->second != width) {
      return Bad(node, "its component is for " + std::to_string(static_cast<int>(dim->second)) +
                           " values, not " + std::to_string(width));
    }
    if (type == "RectifiedLinearComponent") {
      AddOperation(source, {Operator::kRelu}, {});
    } else if (type == "SigmoidComponent") {
      AddOperation(source, {Operator::kSigmoid}, {});
    } else if (type == "TanhComponent") {
      AddOperation(source, {Operator::kTanh}, {});
    } else if (type == "LogSoftmaxComponent") {
      AddOperation(source, {Operator::kLogSoftmax}, {});
    } else if (type == "NormalizeComponent") {
      return AddNormalize(node, component, source);
    } else if (type == "BatchNormComponent") {
      return AddBatchNorm(node, component, source);
    } else {
      // <Params> of the trainable scales and offsets is a vector there, which is read as one.
      return AddScaleOffsetComponent(node, component, source);
    }
    return Status::Ok();
  }

  Status AddNormalize(const KaldiNode& node, const KaldiComponent& component, int source) {
    const auto value = [&](const char* tag, double otherwise) {
      const auto found = component.numbers.find(tag);
      return found == component.numbers.end() ? otherwise : found->second;
    };
    const double width = value("<InputDim>", WidthOf(source));
    if (value("<AddLogStddev>", 0) != 0)
      return NotRun(node, "a NormalizeComponent that adds the standard deviation");
    if (width != WidthOf(source) || value("<BlockDim>", width) != width) {
      return NotRun(node, "a NormalizeComponent in blocks, or of another width than its input");
    }
    AddOperation(source, {Operator::kNormalize, 0, value("<TargetRms>", 1)}, {});
    return Status::Ok();
  }

  Status AddBatchNorm(const KaldiNode& node, const KaldiComponent& component, int source) {
    const auto mean = component.vectors.find("<StatsMean>");
    const auto variance = component.vectors.find("<StatsVar>");
    const auto epsilon = component.numbers.find("<Epsilon>");
    const auto rms = component.numbers.find("<TargetRms>");
    const auto width = static_cast<size_t>(WidthOf(source));
    if (mean == component.vectors.end() || variance == component.vectors.end() ||
        epsilon == component.numbers.end() || rms == component.numbers.end() || mean->second.empty() ||
        mean->second.size() != variance->second.size() || width % mean->second.size() != 0) {
      return Bad(node,
                 "a BatchNormComponent whose statistics do not fit " + std::to_string(width) + " values");
    }
    std::vector<double> scale(width), offset(width);
    for (size_t i = 0; i < width; ++i) {
      // Text has more digits than the values: as Kaldi, these are floats.
      const size_t of_block = i % mean->second.size();
      const double floored = std::max(double{static_cast<float>(variance->second[of_block])}, 0.0);
      scale[i] = rms->second / std::sqrt(floored + double{static_cast<float>(epsilon->second)});
      offset[i] = -double{static_cast<float>(mean->second[of_block])} * scale[i];
      if (!std::isfinite(scale[i]) || !std::isfinite(offset[i]))
        return Bad(node, "statistics that give no finite scale");
    }
    AddScaleOffset(source, scale, offset);
    return Status::Ok();
  }

  Status AddScaleOffsetComponent(const KaldiNode& node, const KaldiComponent& component, int source) {
    const std::string& type = component.type;
    const auto width = static_cast<size_t>(WidthOf(source));
    const char* const tag = type == "FixedScaleComponent"         ? "<Scales>"
                            : type == "FixedBiasComponent"        ? "<Bias>"
                            : type == "PerElementOffsetComponent" ? "<Offsets>"
                                                                  : "<Params>";
    const auto found = component.vectors.find(tag);
    if (found == component.vectors.end() || found->second.size() != width) {
      return Bad(node, "a " + type + " whose values do not fit its input");
    }
    const bool scales = type != "FixedBiasComponent" && type != "PerElementOffsetComponent";
    AddScaleOffset(source, scales ? found->second : std::vector<double>(width, 1.0),
                   scales ? std::vector<double>(width, 0.0) : found->second);
    return Status::Ok();
  }

  /// Joins the product or the scales that come before, where there are.
  void AddScaleOffset(int source, const std::vector<double>& scale, const std::vector<double>& offset) {
    const auto layer = static_cast<size_t>(source - Nnet3Sizes::kFirstLayer);
    const std::vector<Nnet3Sizes::Operation>& operations = result_.sizes.layers[layer].operations;
    if (!operations.empty() && operations.back().type == Operator::kAffine) {
      Nnet3Weights::Operation& values = weights_[layer].back();
      const size_t inputs = values.weight.size() / values.bias.size();
      for (size_t i = 0; i < scale.size(); ++i) {
        for (size_t k = 0; k < inputs; ++k) {
          float& weight = values.weight[i * inputs + k];
          weight = static_cast<float>(double{weight} * scale[i]);
        }
        values.bias[i] = static_cast<float>(double{values.bias[i]} * scale[i] + offset[i]);
      }
      return;
    }
    AddOperation(source, {Operator::kScaleOffset},
                 {{scale.begin(), scale.end()}, {offset.begin(), offset.end()}});
  }

  Status AddOutput(const KaldiNode& node, const Parts& parts) {
    // The last layer must be the one that the output is.
    int source = IsPlain(parts) ? parts[0][0].source : NewLayer(node, parts);
    if (source != static_cast<int>(weights_.size()) - 1 + Nnet3Sizes::kFirstLayer)
      source = NewLayer(node, parts);
    if (network_.priors.empty()) return Status::Ok();
    if (network_.priors.size() != static_cast<size_t>(WidthOf(source))) {
      return Bad(node, std::to_string(network_.priors.size()) + " priors for " +
                           std::to_string(WidthOf(source)) + " outputs");
    }
    std::vector<double> offset;
    for (const double prior : network_.priors) {
      if (!(prior > 0)) return Bad(node, "a prior that is not positive");
      offset.push_back(-std::log(prior));
    }
    AddScaleOffset(source, std::vector<double>(offset.size(), 1.0), offset);
    return Status::Ok();
  }

  Status TakeTensors() {
    for (size_t l = 0; l < weights_.size(); ++l) {
      const Nnet3Sizes::Layer& layer = result_.sizes.layers[l];
      for (size_t place = 0; place < weights_[l].size(); ++place) {
        Nnet3Weights::Operation& values = weights_[l][place];
        if (values.bias.empty()) continue;
        const auto outputs = static_cast<int64_t>(values.bias.size());
        const bool affine = layer.operations[place].type == Operator::kAffine;
        std::vector<int64_t> shape{outputs};
        if (affine) shape.push_back(static_cast<int64_t>(values.weight.size()) / outputs);
        result_.tensors.push_back({Nnet3TensorName(layer.name, place, affine ? "weight" : "scale"), shape,
                                   std::move(values.weight)});
        result_.tensors.push_back({Nnet3TensorName(layer.name, place, affine ? "bias" : "offset"),
                                   {outputs},
                                   std::move(values.bias)});
      }
    }
    return Status::Ok();
  }

  const KaldiNnet3& network_;
  std::map<std::string, const KaldiNode*> nodes_;
  std::map<std::string, int> uses_;
  std::map<std::string, int> source_of_;
  std::set<std::string> under_way_;
  std::set<int> shared_;  ///< layers that more than one node takes from
  std::vector<int> widths_;
  std::vector<std::vector<Nnet3Weights::Operation>> weights_;
  KaldiNetwork result_;
};

}  // namespace

StatusOr<KaldiNetwork> ConvertKaldiNetwork(const KaldiNnet3& network) { return Converter(network).Convert(); }

}  // namespace skald
