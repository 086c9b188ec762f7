#include "decoder/graph/kaldi_graph.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/lines.h"
#include "decoder/graph/fst_file.h"
#include "decoder/graph/openfst_lookahead.h"

namespace skald {
namespace {

constexpr int64_t kMaxStates = 400'000'000;
constexpr size_t kMaxEpsilonArcs = 4095;  // of a state in an image
constexpr uint32_t kMaxWord = 100'000'000;

/// "WORD NUMBER" lines, in any order and with gaps; numbers without a word have an empty one.
StatusOr<std::vector<std::string>> ReadWords(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> words;
  Status status = ForEachLine(text, [&](std::string_view line) -> Status {
    if (line.find_first_not_of(" \t") == std::string_view::npos) return Status::Ok();
    const size_t blank = line.find_last_of(" \t");
    const std::string_view number = line.substr(blank == std::string_view::npos ? line.size() : blank + 1);
    uint32_t label = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), label);
    if (error != std::errc() || end != number.data() + number.size() || label > kMaxWord) {
      return Status::Corrupt("not a word and its number");
    }
    if (label >= words.size()) words.resize(size_t{label} + 1);
    words[label] = std::string(line.substr(0, line.find_last_not_of(" \t", blank) + 1));
    return Status::Ok();
  });
  if (!status.ok()) return std::move(status).InFile(path);
  return words;
}

/// States from which an end can be reached: a walk back along the arcs.
std::vector<bool> StatesThatEnd(const FstGraph& graph) {
  const size_t states = graph.state_count();
  std::vector<uint64_t> first(states + 1, 0);
  for (const FstArc& arc : graph.arcs) ++first[static_cast<size_t>(arc.next_state) + 1];
  for (size_t state = 0; state < states; ++state) first[state + 1] += first[state];
  std::vector<uint32_t> sources(graph.arcs.size());
  {
    std::vector<uint64_t> next(first.begin(), first.end() - 1);
    for (size_t state = 0; state < states; ++state) {
      for (uint64_t a = graph.first_arc[state]; a < graph.first_arc[state + 1]; ++a) {
        sources[next[static_cast<size_t>(graph.arcs[a].next_state)]++] = static_cast<uint32_t>(state);
      }
    }
  }
  std::vector<bool> ends(states, false);
  std::vector<uint32_t> open;
  for (size_t state = 0; state < states; ++state) {
    if (graph.final_costs[state] == std::numeric_limits<float>::infinity()) continue;
    ends[state] = true;
    open.push_back(static_cast<uint32_t>(state));
  }
  while (!open.empty()) {
    const uint32_t state = open.back();
    open.pop_back();
    for (uint64_t i = first[state]; i < first[state + 1]; ++i) {
      if (ends[sources[i]]) continue;
      ends[sources[i]] = true;
      open.push_back(sources[i]);
    }
  }
  return ends;
}

class ImageMaker {
 public:
  ImageMaker(const KaldiGraphSources& sources, const FstGraph& graph, size_t words)
      : sources_(sources), graph_(graph), words_(words) {}

  Status AddStates(GraphImageBuilder* builder) {
    const std::vector<bool> ends = StatesThatEnd(graph_);
    constexpr uint32_t kLeftOut = std::numeric_limits<uint32_t>::max();
    std::vector<uint32_t> number(graph_.state_count(), kLeftOut);
    uint32_t next = 0;
    for (size_t state = 0; state < number.size(); ++state) {
      if (ends[state]) number[state] = next++;
    }
    if (number[static_cast<size_t>(graph_.start)] == kLeftOut)
      return Status::Corrupt("no path of the graph ends");
    builder->SetStart(number[static_cast<size_t>(graph_.start)]);
    next_helper_ = next;
    std::vector<GraphImageBuilder::Arc> arcs;
    for (size_t state = 0; state < number.size(); ++state) {
      if (!ends[state]) continue;
      arcs.clear();
      for (uint64_t a = graph_.first_arc[state]; a < graph_.first_arc[state + 1]; ++a) {
        const FstArc& from = graph_.arcs[a];
        if (number[static_cast<size_t>(from.next_state)] == kLeftOut) continue;
        GraphImageBuilder::Arc arc;
        arc.next_state = number[static_cast<size_t>(from.next_state)];
        arc.cost = from.cost;
        if (Status status = Label(from, &arc); !status.ok())
          return std::move(status).At("state " + std::to_string(state));
        arcs.push_back(arc);
      }
      SpreadEpsilons(&arcs);
      builder->AddState(graph_.final_costs[state], arcs);
    }
    for (const auto& helper : helpers_) builder->AddState(std::numeric_limits<float>::infinity(), helper);
    return Status::Ok();
  }

 private:
  Status Label(const FstArc& from, GraphImageBuilder::Arc* arc) const {
    if (from.input != 0) {
      if (static_cast<size_t>(from.input) >= sources_.labels.size()) {
        return Status::Corrupt("an arc has transition-id " + std::to_string(from.input) + ", the model has " +
                               std::to_string(sources_.labels.size() - 1));
      }
      arc->unit = sources_.labels[static_cast<size_t>(from.input)].unit;
      arc->flags = sources_.labels[static_cast<size_t>(from.input)].flags;
    }
    if (static_cast<size_t>(from.output) >= words_) {
      return Status::Corrupt("an arc has word " + std::to_string(from.output) + ", the word table has " +
                             std::to_string(words_));
    }
    arc->word = static_cast<uint32_t>(from.output);
    return Status::Ok();
  }

  /// More epsilon arcs than fit go to helper states, each behind an epsilon arc of its own.
  void SpreadEpsilons(std::vector<GraphImageBuilder::Arc>* arcs) {
    const auto epsilons =
        std::partition(arcs->begin(), arcs->end(), [](const auto& arc) { return arc.unit != 0; });
    if (static_cast<size_t>(arcs->end() - epsilons) <= kMaxEpsilonArcs) return;
    const std::vector<GraphImageBuilder::Arc> all(epsilons, arcs->end());
    arcs->erase(epsilons, arcs->end());
    for (size_t first = 0; first < all.size(); first += kMaxEpsilonArcs) {
      GraphImageBuilder::Arc arc;
      arc.next_state = next_helper_++;
      arcs->push_back(arc);
      const size_t end = std::min(all.size(), first + kMaxEpsilonArcs);
      helpers_.emplace_back(all.begin() + static_cast<ptrdiff_t>(first),
                            all.begin() + static_cast<ptrdiff_t>(end));
    }
  }

  const KaldiGraphSources& sources_;
  const FstGraph& graph_;
  const size_t words_;
  uint32_t next_helper_ = 0;
  std::vector<std::vector<GraphImageBuilder::Arc>> helpers_;
};

}  // namespace

StatusOr<GraphImage> BuildKaldiGraph(const KaldiGraphSources& sources) {
  const bool pair = sources.hclg_path.empty();
  const std::string& labelled = pair ? sources.grammar_path : sources.hclg_path;
  std::vector<std::string> words;
  if (!sources.words_path.empty()) {
    SKALD_ASSIGN_OR_RETURN(words, ReadWords(sources.words_path));
  } else {
    SKALD_ASSIGN_OR_RETURN(words, ReadFstOutputSymbols(labelled));
  }
  if (words.empty())
    return Status::NotFound("there is no words.txt, and the FST has no output symbols").InFile(labelled);
  words[0].clear();

  FstGraph graph;
  if (pair) {
    SKALD_RETURN_IF_ERROR(CheckLookaheadFst(sources.lexicon_path));
    SKALD_RETURN_IF_ERROR(ReadFstInfo(sources.grammar_path).status());
    SKALD_ASSIGN_OR_RETURN(graph, ComposeLookahead(sources.lexicon_path, sources.grammar_path,
                                                   sources.disambiguation, kMaxStates));
  } else {
    SKALD_ASSIGN_OR_RETURN(graph, ReadFst(sources.hclg_path));
  }
  const size_t word_count = words.size();
  GraphImageBuilder builder(sources.units, std::move(words));
  builder.SetExplicitTopology();
  const std::string& path = pair ? sources.lexicon_path : sources.hclg_path;
  if (Status status = ImageMaker(sources, graph, word_count).AddStates(&builder); !status.ok()) {
    return std::move(status).InFile(path);
  }
  graph = {};
  builder.SetRecipe(nlohmann::json{{"builder", pair ? "kaldi HCLr, Gr" : "kaldi HCLG"}}.dump());
  StatusOr<GraphImage> image = std::move(builder).Build();
  if (!image.ok()) return Status(image.status()).InFile(path);
  return image;
}

}  // namespace skald
