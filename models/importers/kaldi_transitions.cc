#include "models/importers/kaldi_transitions.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace skald {
namespace {

constexpr int32_t kMaxPhones = 1'000'000;
constexpr int32_t kMaxStates = 1000;
constexpr int32_t kMaxTuples = 10'000'000;
constexpr int32_t kMaxPdfs = 65535;

/// States that the transitions of an HMM state lead to.
struct HmmState {
  bool emits = false;
  std::vector<int32_t> destinations;
};
using HmmEntry = std::vector<HmmState>;

struct Topology {
  std::vector<HmmEntry> entries;
  std::map<int32_t, size_t> entry_of_phone;
};

Status CheckEntry(const KaldiReader& reader, const HmmEntry& entry) {
  for (const HmmState& state : entry) {
    for (const int32_t destination : state.destinations) {
      if (destination < 0 || destination >= static_cast<int32_t>(entry.size())) {
        return reader.Corrupt("a topology has a transition to state " + std::to_string(destination));
      }
    }
  }
  return Status::Ok();
}

StatusOr<HmmState> ReadTextState(KaldiReader* reader) {
  HmmState state;
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(const std::string token, reader->Token());
    if (token == "</State>") return state;
    if (token == "<PdfClass>" || token == "<ForwardPdfClass>" || token == "<SelfLoopPdfClass>") {
      SKALD_RETURN_IF_ERROR(reader->Integer("a pdf class", -1, kMaxStates).status());
      state.emits = true;
    } else if (token == "<Transition>") {
      SKALD_ASSIGN_OR_RETURN(const int32_t destination, reader->Integer("a state", 0, kMaxStates));
      SKALD_RETURN_IF_ERROR(reader->Number().status());
      state.destinations.push_back(destination);
    } else {
      return reader->Corrupt("unexpected " + token + " in a topology");
    }
  }
}

StatusOr<Topology> ReadTextTopology(KaldiReader* reader) {
  Topology topology;
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(std::string token, reader->Token());
    if (token == "</Topology>") return topology;
    if (token != "<TopologyEntry>") return reader->Corrupt("expected <TopologyEntry>, found " + token);
    SKALD_RETURN_IF_ERROR(reader->Expect("<ForPhones>"));
    for (;;) {
      SKALD_ASSIGN_OR_RETURN(token, reader->PeekToken());
      if (token == "</ForPhones>") break;
      SKALD_ASSIGN_OR_RETURN(const int32_t phone, reader->Integer("a phone", 1, kMaxPhones));
      topology.entry_of_phone[phone] = topology.entries.size();
    }
    SKALD_RETURN_IF_ERROR(reader->Expect("</ForPhones>"));
    HmmEntry entry;
    for (;;) {
      SKALD_ASSIGN_OR_RETURN(token, reader->Token());
      if (token == "</TopologyEntry>") break;
      if (token != "<State>") return reader->Corrupt("expected <State>, found " + token);
      const auto next = static_cast<int32_t>(entry.size());
      SKALD_RETURN_IF_ERROR(reader->Integer("the number of a state", next, next).status());
      SKALD_ASSIGN_OR_RETURN(HmmState state, ReadTextState(reader));
      entry.push_back(std::move(state));
      if (entry.size() > kMaxStates) return reader->Corrupt("a topology of more than 1000 states");
    }
    SKALD_RETURN_IF_ERROR(CheckEntry(*reader, entry));
    topology.entries.push_back(std::move(entry));
  }
}

StatusOr<Topology> ReadBinaryTopology(KaldiReader* reader) {
  Topology topology;
  SKALD_ASSIGN_OR_RETURN(const std::vector<int32_t> phones, reader->Integers());
  SKALD_ASSIGN_OR_RETURN(const std::vector<int32_t> entry_of_phone, reader->Integers());
  SKALD_ASSIGN_OR_RETURN(int32_t count, reader->Integer());
  const bool two_pdfs = count == -1;  // a state has one pdf to be left by and one to stay by
  if (two_pdfs) {
    SKALD_ASSIGN_OR_RETURN(count, reader->Integer());
  }
  if (count < 1 || count > kMaxPhones) return reader->Corrupt(std::to_string(count) + " topologies");
  for (int32_t i = 0; i < count; ++i) {
    SKALD_ASSIGN_OR_RETURN(const int32_t states, reader->Integer("states of a topology", 1, kMaxStates));
    HmmEntry entry;
    for (int32_t s = 0; s < states; ++s) {
      HmmState state;
      SKALD_ASSIGN_OR_RETURN(const int32_t pdf_class, reader->Integer("a pdf class", -1, kMaxStates));
      state.emits = pdf_class >= 0;
      if (two_pdfs) SKALD_RETURN_IF_ERROR(reader->Integer("a pdf class", -1, kMaxStates).status());
      SKALD_ASSIGN_OR_RETURN(const int32_t transitions,
                             reader->Integer("transitions of a state", 0, kMaxStates));
      for (int32_t t = 0; t < transitions; ++t) {
        SKALD_ASSIGN_OR_RETURN(const int32_t destination, reader->Integer("a state", 0, kMaxStates));
        SKALD_RETURN_IF_ERROR(reader->Number().status());
        state.destinations.push_back(destination);
      }
      entry.push_back(std::move(state));
    }
    SKALD_RETURN_IF_ERROR(CheckEntry(*reader, entry));
    topology.entries.push_back(std::move(entry));
  }
  for (const int32_t phone : phones) {
    if (phone < 1 || phone >= static_cast<int32_t>(entry_of_phone.size()) ||
        entry_of_phone[static_cast<size_t>(phone)] < 0 ||
        entry_of_phone[static_cast<size_t>(phone)] >= count) {
      return reader->Corrupt("phone " + std::to_string(phone) + " has no topology");
    }
    topology.entry_of_phone[phone] = static_cast<size_t>(entry_of_phone[static_cast<size_t>(phone)]);
  }
  SKALD_RETURN_IF_ERROR(reader->Expect("</Topology>"));
  return topology;
}

/// Adds the transitions of one emitting state of a phone: one transition-id for each.
Status AddTuple(KaldiReader* reader, const Topology& topology, bool two_pdfs, KaldiTransitionModel* model) {
  SKALD_ASSIGN_OR_RETURN(const int32_t phone, reader->Integer("a phone", 1, kMaxPhones));
  SKALD_ASSIGN_OR_RETURN(const int32_t hmm_state, reader->Integer("an HMM state", 0, kMaxStates));
  SKALD_ASSIGN_OR_RETURN(const int32_t forward_pdf, reader->Integer("a pdf", 0, kMaxPdfs));
  int32_t self_loop_pdf = forward_pdf;
  if (two_pdfs) {
    SKALD_ASSIGN_OR_RETURN(self_loop_pdf, reader->Integer("a pdf", 0, kMaxPdfs));
  }
  const auto entry = topology.entry_of_phone.find(phone);
  if (entry == topology.entry_of_phone.end()) {
    return reader->Corrupt("phone " + std::to_string(phone) + " has no topology");
  }
  const HmmEntry& states = topology.entries[entry->second];
  if (hmm_state >= static_cast<int32_t>(states.size()) || !states[static_cast<size_t>(hmm_state)].emits) {
    return reader->Corrupt("phone " + std::to_string(phone) + " has no emitting state " +
                           std::to_string(hmm_state));
  }
  for (const int32_t destination : states[static_cast<size_t>(hmm_state)].destinations) {
    const bool self_loop = destination == hmm_state;
    model->transitions.push_back({phone, self_loop ? self_loop_pdf : forward_pdf, hmm_state, self_loop});
  }
  model->pdfs = std::max({model->pdfs, forward_pdf + 1, self_loop_pdf + 1});
  return Status::Ok();
}

}  // namespace

StatusOr<KaldiTransitionModel> ReadKaldiTransitionModel(KaldiReader* reader) {
  SKALD_RETURN_IF_ERROR(reader->Expect("<TransitionModel>"));
  SKALD_RETURN_IF_ERROR(reader->Expect("<Topology>"));
  SKALD_ASSIGN_OR_RETURN(const Topology topology,
                         reader->binary() ? ReadBinaryTopology(reader) : ReadTextTopology(reader));
  SKALD_ASSIGN_OR_RETURN(const std::string kind, reader->Token());
  if (kind != "<Triples>" && kind != "<Tuples>")
    return reader->Corrupt("expected <Triples> or <Tuples>, found " + kind);
  SKALD_ASSIGN_OR_RETURN(const int32_t count, reader->Integer("the number of HMM states", 1, kMaxTuples));
  KaldiTransitionModel model;
  model.transitions.emplace_back();
  for (int32_t i = 0; i < count; ++i) {
    SKALD_RETURN_IF_ERROR(AddTuple(reader, topology, kind == "<Tuples>", &model));
  }
  SKALD_RETURN_IF_ERROR(reader->Expect(kind == "<Triples>" ? "</Triples>" : "</Tuples>"));
  SKALD_RETURN_IF_ERROR(reader->Expect("<LogProbs>"));
  SKALD_ASSIGN_OR_RETURN(const std::vector<double> log_probs, reader->Vector());
  if (log_probs.size() != model.transitions.size()) {
    return reader->Corrupt(std::to_string(log_probs.size()) + " transition probabilities for " +
                           std::to_string(model.transitions.size() - 1) + " transition-ids");
  }
  SKALD_RETURN_IF_ERROR(reader->Expect("</LogProbs>"));
  SKALD_RETURN_IF_ERROR(reader->Expect("</TransitionModel>"));
  return model;
}

}  // namespace skald
