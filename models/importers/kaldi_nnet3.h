#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/importers/kaldi_reader.h"

namespace skald {

/// A component of an nnet3 network: the values that decide what it computes.
struct KaldiComponent {
  std::string type;  ///< "TdnnComponent"
  size_t position = 0;
  std::map<std::string, double> numbers;  ///< by tag, "<Dim>"
  std::map<std::string, std::vector<double>> vectors;
  std::map<std::string, KaldiMatrix> matrices;
  std::map<std::string, std::vector<int32_t>> integers;
};

/// A line of the network's configuration: "component-node name=a component=b input=c".
struct KaldiNode {
  std::string kind;
  std::string name;
  size_t position = 0;
  std::map<std::string, std::string> values;
};

/// An nnet3 network as its file has it, with what an acoustic model adds.
struct KaldiNnet3 {
  std::string path;  ///< for messages
  std::vector<KaldiNode> nodes;
  std::map<std::string, KaldiComponent> components;
  int left_context = 0, right_context = 0;
  std::vector<double> priors;  ///< empty for chain models
};

/// Reads <Nnet3> and what AmNnetSimple writes after it, text or binary. Source of the format: Kaldi,
/// nnet3/nnet-nnet.cc, am-nnet-simple.cc, and the Read functions of the components. kUnsupported naming the
/// component and its type where Skald does not run it, with file and byte.
StatusOr<KaldiNnet3> ReadKaldiNnet3(KaldiReader* reader);

}  // namespace skald
