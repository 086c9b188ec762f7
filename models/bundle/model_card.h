#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/strict_json.h"

namespace skald {

/// Word error rate of a model on a set of recordings.
struct CardResult {
  std::string set;         ///< name of the recordings
  std::string decoding;    ///< head, graph or language model; empty where nobody said
  double wer_percent = 0;  ///< 0 to 1000
};

/// What people should know of a model before they use it. Text is for reading; empty: nobody said. The
/// licence is the bundle's.
struct ModelCard {
  std::string data;          ///< what it was trained on, with licences
  std::string intended_use;  ///< what it was made for
  std::string limits;        ///< what it does badly
  std::vector<CardResult> word_error_rates;

  bool empty() const {
    return data.empty() && intended_use.empty() && limits.empty() && word_error_rates.empty();
  }
};

/// The member "card" of bundle.json; empty where there is none. kCorrupt names the member that is wrong.
StatusOr<ModelCard> ReadModelCard(const JsonObject& bundle);

/// What ReadModelCard reads; members that say nothing are left out.
nlohmann::ordered_json ModelCardToJson(const ModelCard& card);

}  // namespace skald
