#include "models/importers/kaldi_nnet3.h"

#include <set>
#include <sstream>
#include <string_view>
#include <utility>

namespace skald {
namespace {

constexpr int32_t kMaxComponents = 10000;

/// How the value behind a tag is stored.
enum class Field {
  kNumber,
  kNumberPair,
  kInteger,
  kIntegerPair,
  kBoolean,
  kVector,
  kMatrix,
  kIntegers,
  kNothing
};

/// Tags of all components that are read. A tag means the same in each of them.
const std::map<std::string, Field, std::less<>>& Fields() {
  static const std::map<std::string, Field, std::less<>> fields = {
      {"<LearningRateFactor>", Field::kNumber},
      {"<IsGradient>", Field::kBoolean},
      {"<MaxChange>", Field::kNumber},
      {"<L2Regularize>", Field::kNumber},
      {"<LearningRate>", Field::kNumber},
      {"<LinearParams>", Field::kMatrix},
      {"<Params>", Field::kMatrix},
      {"<BiasParams>", Field::kVector},
      {"<TimeOffsets>", Field::kIntegers},
      {"<OrthonormalConstraint>", Field::kNumber},
      {"<UseNaturalGradient>", Field::kBoolean},
      {"<NumSamplesHistory>", Field::kNumber},
      {"<Alpha>", Field::kNumber},
      {"<AlphaInOut>", Field::kNumberPair},
      {"<RankIn>", Field::kInteger},
      {"<RankOut>", Field::kInteger},
      {"<RankInOut>", Field::kIntegerPair},
      {"<Rank>", Field::kInteger},
      {"<UpdatePeriod>", Field::kInteger},
      {"<MaxChangePerSample>", Field::kNumber},
      {"<Dim>", Field::kInteger},
      {"<InputDim>", Field::kInteger},
      {"<BlockDim>", Field::kInteger},
      {"<BackpropScale>", Field::kNumber},
      {"<ValueAvg>", Field::kVector},
      {"<DerivAvg>", Field::kVector},
      {"<OderivRms>", Field::kVector},
      {"<OderivCount>", Field::kNumber},
      {"<Count>", Field::kNumber},
      {"<NumDimsSelfRepaired>", Field::kNumber},
      {"<NumDimsProcessed>", Field::kNumber},
      {"<SelfRepairLowerThreshold>", Field::kNumber},
      {"<SelfRepairUpperThreshold>", Field::kNumber},
      {"<SelfRepairScale>", Field::kNumber},
      {"<Epsilon>", Field::kNumber},
      {"<TargetRms>", Field::kNumber},
      {"<AddLogStddev>", Field::kBoolean},
      {"<TestMode>", Field::kBoolean},
      {"<StatsMean>", Field::kVector},
      {"<StatsVar>", Field::kVector},
      {"<Scales>", Field::kVector},
      {"<Offsets>", Field::kVector},
      {"<Bias>", Field::kVector},
      {"<DropoutProportion>", Field::kNumber},
      {"<DropoutPerFrame>", Field::kBoolean},
      {"<SpecAugmentMaxProportion>", Field::kNumber},
      {"<SpecAugmentMaxRegions>", Field::kInteger},
      {"<TimePeriod>", Field::kInteger},
      {"<Continuous>", Field::kNothing},
  };
  return fields;
}

const std::set<std::string, std::less<>>& KnownComponents() {
  static const std::set<std::string, std::less<>> types = {
      "AffineComponent",
      "NaturalGradientAffineComponent",
      "FixedAffineComponent",
      "LinearComponent",
      "TdnnComponent",
      "RectifiedLinearComponent",
      "SigmoidComponent",
      "TanhComponent",
      "BatchNormComponent",
      "NormalizeComponent",
      "LogSoftmaxComponent",
      "NoOpComponent",
      "DropoutComponent",
      "GeneralDropoutComponent",
      "FixedScaleComponent",
      "FixedBiasComponent",
      "PerElementScaleComponent",
      "PerElementOffsetComponent",
      "NaturalGradientPerElementScaleComponent",
  };
  return types;
}

Status ReadField(KaldiReader* reader, const std::string& tag, Field field, KaldiComponent* component) {
  switch (field) {
    case Field::kNothing:
      return Status::Ok();
    case Field::kBoolean: {
      SKALD_ASSIGN_OR_RETURN(const bool value, reader->Boolean());
      component->numbers[tag] = value ? 1 : 0;
      return Status::Ok();
    }
    case Field::kNumber: {
      SKALD_ASSIGN_OR_RETURN(component->numbers[tag], reader->Number());
      return Status::Ok();
    }
    case Field::kNumberPair:
      SKALD_RETURN_IF_ERROR(reader->Number().status());
      return reader->Number().status();
    case Field::kInteger: {
      SKALD_ASSIGN_OR_RETURN(component->numbers[tag], reader->Integer());
      return Status::Ok();
    }
    case Field::kIntegerPair:
      SKALD_RETURN_IF_ERROR(reader->Integer().status());
      return reader->Integer().status();
    case Field::kVector: {
      SKALD_ASSIGN_OR_RETURN(component->vectors[tag], reader->Vector());
      return Status::Ok();
    }
    case Field::kMatrix: {
      // The scales that are trained by element are one row.
      if (tag == "<Params>" && component->type != "LinearComponent") {
        SKALD_ASSIGN_OR_RETURN(component->vectors[tag], reader->Vector());
        return Status::Ok();
      }
      SKALD_ASSIGN_OR_RETURN(component->matrices[tag], reader->Matrix());
      return Status::Ok();
    }
    case Field::kIntegers: {
      SKALD_ASSIGN_OR_RETURN(component->integers[tag], reader->Integers());
      return Status::Ok();
    }
  }
  return Status::Ok();
}

StatusOr<KaldiComponent> ReadComponent(KaldiReader* reader, const std::string& name) {
  KaldiComponent component;
  SKALD_ASSIGN_OR_RETURN(const std::string opening, reader->Token());
  component.position = reader->position();
  if (opening.size() < 3 || opening.front() != '<' || opening.back() != '>') {
    return reader->Corrupt("component " + name + ": expected its type");
  }
  component.type = opening.substr(1, opening.size() - 2);
  if (KnownComponents().count(component.type) == 0) {
    return reader->Unsupported("component " + name + " is a " + component.type +
                               ", which Skald does not run");
  }
  const std::string closing = "</" + component.type + ">";
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(const std::string tag, reader->Token());
    if (tag == closing) return component;
    const auto field = Fields().find(tag);
    if (field == Fields().end()) {
      return reader->Corrupt("component " + name + " (" + component.type + "): unknown field");
    }
    SKALD_RETURN_IF_ERROR(ReadField(reader, tag, field->second, &component));
  }
}

/// "kind key=value key=value with blanks ...": a value ends where the next key begins.
StatusOr<KaldiNode> ParseNode(const KaldiReader& reader, const std::string& line, size_t position) {
  KaldiNode node;
  node.position = position;
  std::istringstream words(line);
  std::string word, key;
  words >> node.kind;
  while (words >> word) {
    const size_t equals = word.find('=');
    const bool is_key = equals != std::string::npos && word.find_first_of("(,)") > equals;
    if (is_key) {
      key = word.substr(0, equals);
      node.values[key] = word.substr(equals + 1);
    } else if (!key.empty()) {
      node.values[key] += " " + word;
    } else {
      return reader.Corrupt("configuration line without key=value: " + line.substr(0, 80));
    }
  }
  const auto name = node.values.find("name");
  if (name == node.values.end())
    return reader.Corrupt("configuration line without a name: " + line.substr(0, 80));
  node.name = name->second;
  return node;
}

}  // namespace

StatusOr<KaldiNnet3> ReadKaldiNnet3(KaldiReader* reader) {
  KaldiNnet3 network;
  network.path = reader->path();
  SKALD_RETURN_IF_ERROR(reader->Expect("<Nnet3>"));
  for (bool begun = false;;) {
    const size_t position = reader->position();
    SKALD_ASSIGN_OR_RETURN(const std::string line, reader->Line());
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      if (begun) break;
      continue;
    }
    if (line.compare(0, 15, "<NumComponents>") == 0) return reader->Corrupt("a network without nodes");
    begun = true;
    SKALD_ASSIGN_OR_RETURN(KaldiNode node, ParseNode(*reader, line, position));
    network.nodes.push_back(std::move(node));
    if (network.nodes.size() > kMaxComponents) return reader->Corrupt("more than 10000 nodes");
  }
  SKALD_RETURN_IF_ERROR(reader->Expect("<NumComponents>"));
  SKALD_ASSIGN_OR_RETURN(const int32_t count, reader->Integer("the number of components", 0, kMaxComponents));
  for (int32_t i = 0; i < count; ++i) {
    SKALD_RETURN_IF_ERROR(reader->Expect("<ComponentName>"));
    SKALD_ASSIGN_OR_RETURN(const std::string name, reader->Token());
    SKALD_ASSIGN_OR_RETURN(KaldiComponent component, ReadComponent(reader, name));
    if (!network.components.emplace(name, std::move(component)).second) {
      return reader->Corrupt("component " + name + " comes twice");
    }
  }
  SKALD_RETURN_IF_ERROR(reader->Expect("</Nnet3>"));
  SKALD_RETURN_IF_ERROR(reader->Expect("<LeftContext>"));
  SKALD_ASSIGN_OR_RETURN(network.left_context, reader->Integer("the left context", 0, 10000));
  SKALD_RETURN_IF_ERROR(reader->Expect("<RightContext>"));
  SKALD_ASSIGN_OR_RETURN(network.right_context, reader->Integer("the right context", 0, 10000));
  SKALD_RETURN_IF_ERROR(reader->Expect("<Priors>"));
  SKALD_ASSIGN_OR_RETURN(network.priors, reader->Vector());
  return network;
}

}  // namespace skald
