#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoder/graph/arpa.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/lexicon.h"

namespace skald {

/// How words are spelled in units; see Lexicon.
enum class LexiconKind { kCharacters, kPieces, kPronunciations };

/// A word that the language model or the lexicon may lack.
struct ExtraWord {
  std::string word;
  /// Names of units, one list for each spelling. Empty: what the lexicon has, else as it spells other words:
  /// letter by letter, in pieces, or with the two pronunciations that Pronouncer finds likeliest.
  std::vector<std::vector<std::string>> spellings;
};

/// Files and units that a graph is made of.
struct GraphSources {
  std::vector<std::string> units;   ///< names of the score columns, blank first
  std::string language_model_path;  ///< ARPA, plain or gzip
  LexiconKind lexicon_kind = LexiconKind::kCharacters;
  std::string
      lexicon_path;  ///< pieces: sentencepiece model; pronunciations: WORD<TAB>UNITS; characters: unused
  std::string separator = "|";  ///< characters: the unit between words
  /// Words that can be recognised as well. One that the language model does not list counts as likely as the
  /// rarest word that it lists.
  std::vector<ExtraWord> extra_words;
};

struct GraphOptions {
  /// Multiplies all language model costs. Larger trusts the language model more. The search can scale scores
  /// instead; only one of the two should differ from 1.
  double language_model_weight = 1;
  /// Nats added for every word. Larger gives fewer, longer words.
  double word_penalty = 0;
  /// Longest n-grams that are used, 1..5. Larger is more accurate and makes the graph larger.
  int max_order = ArpaModel::kMaxOrder;
  /// Pieces only: segmentations of a word in the graph, 1..100. More follow an acoustic model that splits
  /// words in other ways, at the price of a larger graph and a slower search.
  int segmentations = 1;
  /// How lexicon and language model are composed. kPerHistory makes the optimised composition directly, in
  /// time and memory linear in its size. kOpenFst runs OpenFst's general algorithms (compose, determinise,
  /// push, minimise): the second opinion, equal in costs, ten times slower and with more memory.
  enum class Method { kPerHistory, kOpenFst } method = Method::kPerHistory;

  /// kInvalidArgument with the option's name where a value is out of range.
  Status Validate() const;
};

/// Told about progress: fraction 0..1 of the whole, never falling, and what is being done.
using GraphProgress = std::function<void(double fraction, std::string_view phase)>;

/// Builds the decoding graph LG of a lexicon and an n-gram model. The same sources and options give the same
/// bytes. Words that the lexicon cannot spell, and <unk>, are left out; the recipe in the image counts them.
/// Errors of a source name its file; an extra word that has no spelling fails with kInvalidArgument. Not
/// cancellable; single threaded.
StatusOr<GraphImage> BuildGraph(const GraphSources& sources, const GraphOptions& options,
                                const GraphProgress& progress = nullptr);

/// The same from parsed sources; the recipe holds the options and counts only.
StatusOr<GraphImage> BuildGraph(const ArpaModel& model, const Lexicon& lexicon, const GraphOptions& options,
                                const GraphProgress& progress = nullptr);

/// Reads the lexicon that `sources` name, for the words of `model`.
StatusOr<Lexicon> ReadLexicon(const GraphSources& sources, const GraphOptions& options,
                              const ArpaModel& model);

/// 64 hex digits that name the graph BuildGraph would make: a hash of the sources' content, the options and
/// the version of the builder. Paths do not count. Fails where a source cannot be read.
StatusOr<std::string> GraphCacheKey(const GraphSources& sources, const GraphOptions& options);

}  // namespace skald
