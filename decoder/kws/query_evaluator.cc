#include "decoder/kws/query_evaluator.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

#include "decoder/kws/occurrences.h"
#include "decoder/kws/phrase_evaluator.h"

namespace skald {
namespace {

/// More than sums of times in seconds are off by.
constexpr double kRoundingS = 1e-6;
/// Bounds from postings may be this factor too small, because probabilities are rounded.
constexpr double kBoundSlack = 1.05;
/// Terms of a slot beyond which their utterances are listed instead of looked up one by one.
constexpr size_t kMaxLookups = 8;

auto Stream(const SegmentHit& hit) { return std::tie(hit.source, hit.track, hit.channel); }
auto Place(const SegmentHit& hit) {
  return std::tie(hit.source, hit.track, hit.channel, hit.start_s, hit.end_s);
}

/// An utterance with an upper bound of what a word may count there.
struct Candidate {
  uint32_t utterance = 0;
  double bound = 0;
};

class Evaluator {
 public:
  Evaluator(const IndexSegment& segment, const EvaluationOptions& options)
      : segment_(segment), options_(options) {}

  StatusOr<std::vector<SegmentHit>> Evaluate(const Query& query, double min_score) {
    switch (query.kind) {
      case Query::Kind::kPhrase:
        return query.slots.size() == 1 ? Word(query.slots[0], min_score) : Phrase(query, min_score);
      case Query::Kind::kOr:
        return Or(query, min_score);
      case Query::Kind::kNear:
        return Near(query, min_score);
    }
    return Status::InvalidArgument("unknown kind of query");
  }

 private:
  PhraseSlot Terms(const Query::Slot& patterns) const {
    PhraseSlot slot;
    slot.any_word = patterns.size() == 1 && patterns[0] == "*";
    if (slot.any_word) return slot;
    for (const std::string& pattern : patterns) {
      segment_.FindTerms(pattern, [&](uint32_t term) { slot.terms.push_back(term); });
    }
    std::sort(slot.terms.begin(), slot.terms.end());
    slot.terms.erase(std::unique(slot.terms.begin(), slot.terms.end()), slot.terms.end());
    return slot;
  }

  /// All postings of the terms, by utterance.
  StatusOr<std::vector<Posting>> Postings(const PhraseSlot& slot) const {
    std::vector<Posting> postings;
    for (const uint32_t term : slot.terms) {
      SKALD_ASSIGN_OR_RETURN(PostingListReader list, segment_.Postings(term));
      postings.reserve(postings.size() + segment_.posting_count(term));
      for (Posting posting; list.Next(&posting);) postings.push_back(posting);
      if (!list.ok()) return Damaged();
    }
    if (slot.terms.size() > 1) {
      std::stable_sort(postings.begin(), postings.end(),
                       [](const Posting& a, const Posting& b) { return a.utterance < b.utterance; });
    }
    return postings;
  }

  Status Damaged() const { return Status::Corrupt("a list of postings is damaged").InFile(segment_.path()); }

  Status AddHits(uint32_t utterance, const UtterancePlace& place, const std::vector<Occurrence>& occurrences,
                 double min_score, std::vector<SegmentHit>* hits) {
    if (place.source != source_number_) {
      SKALD_ASSIGN_OR_RETURN(source_, segment_.Source(place.source));
      source_number_ = place.source;
    }
    for (const Occurrence& occurrence : occurrences) {
      if (occurrence.probability < min_score) continue;
      hits->push_back({place.source, place.track, place.channel, utterance,
                       place.start_s + occurrence.start_frame * source_.frame_shift_s,
                       place.start_s + occurrence.end_frame * source_.frame_shift_s, occurrence.probability});
    }
    return Status::Ok();
  }

  StatusOr<std::vector<SegmentHit>> Word(const Query::Slot& patterns, double min_score) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<Posting> postings, Postings(Terms(patterns)));
    std::vector<SegmentHit> hits;
    std::vector<Occurrence> here;
    for (size_t i = 0; i < postings.size();) {
      const uint32_t utterance = postings[i].utterance;
      here.clear();
      for (; i < postings.size() && postings[i].utterance == utterance; ++i) {
        here.push_back(postings[i].occurrence);
      }
      GroupOccurrences(&here);
      const bool any = std::any_of(here.begin(), here.end(),
                                   [&](const Occurrence& o) { return o.probability >= min_score; });
      if (!any) continue;
      SKALD_ASSIGN_OR_RETURN(const UtterancePlace place, segment_.Place(utterance));
      SKALD_RETURN_IF_ERROR(AddHits(utterance, place, here, min_score, &hits));
    }
    return hits;
  }

  StatusOr<std::vector<Candidate>> Utterances(const PhraseSlot& slot) const {
    SKALD_ASSIGN_OR_RETURN(const std::vector<Posting> postings, Postings(slot));
    std::vector<Candidate> candidates;
    for (const Posting& posting : postings) {
      if (candidates.empty() || candidates.back().utterance != posting.utterance) {
        candidates.push_back({posting.utterance, 0});
      }
      candidates.back().bound += posting.occurrence.probability;
    }
    return candidates;
  }

  /// Keeps the candidates in which a term of the slot occurs, and lowers their bounds to what it may count.
  Status Intersect(const PhraseSlot& slot, std::vector<Candidate>* candidates) const {
    std::vector<double> counts(candidates->size());
    if (slot.terms.size() > kMaxLookups) {
      SKALD_ASSIGN_OR_RETURN(const std::vector<Candidate> others, Utterances(slot));
      size_t at = 0;
      for (size_t i = 0; i < candidates->size(); ++i) {
        while (at < others.size() && others[at].utterance < (*candidates)[i].utterance) ++at;
        if (at < others.size() && others[at].utterance == (*candidates)[i].utterance) {
          counts[i] = others[at].bound;
        }
      }
    } else {
      for (const uint32_t term : slot.terms) {
        SKALD_ASSIGN_OR_RETURN(PostingListReader list, segment_.Postings(term));
        Posting posting;
        bool more = list.Next(&posting);
        for (size_t i = 0; i < candidates->size() && more; ++i) {
          const uint32_t utterance = (*candidates)[i].utterance;
          if (posting.utterance < utterance) more = list.SkipTo(utterance, &posting);
          while (more && posting.utterance == utterance) {
            counts[i] += posting.occurrence.probability;
            more = list.Next(&posting);
          }
        }
        if (!list.ok()) return Damaged();
      }
    }
    size_t kept = 0;
    for (size_t i = 0; i < candidates->size(); ++i) {
      if (counts[i] <= 0) continue;
      (*candidates)[kept++] = {(*candidates)[i].utterance, std::min((*candidates)[i].bound, counts[i])};
    }
    candidates->resize(kept);
    return Status::Ok();
  }

  StatusOr<std::vector<SegmentHit>> Phrase(const Query& query, double min_score) {
    std::vector<PhraseSlot> slots;
    std::vector<std::pair<uint64_t, size_t>> order;  // rarest first
    for (const Query::Slot& patterns : query.slots) {
      slots.push_back(Terms(patterns));
      const PhraseSlot& slot = slots.back();
      if (slot.any_word) continue;
      uint64_t postings = 0;
      for (const uint32_t term : slot.terms) postings += segment_.posting_count(term);
      order.emplace_back(postings, slots.size() - 1);
    }
    std::sort(order.begin(), order.end());
    std::vector<SegmentHit> hits;
    if (order.empty() || order.front().first == 0) return hits;

    SKALD_ASSIGN_OR_RETURN(std::vector<Candidate> candidates, Utterances(slots[order[0].second]));
    for (size_t i = 1; i < order.size() && !candidates.empty(); ++i) {
      SKALD_RETURN_IF_ERROR(Intersect(slots[order[i].second], &candidates));
    }
    for (const Candidate& candidate : candidates) {
      if (candidate.bound * kBoundSlack < min_score) continue;
      SKALD_ASSIGN_OR_RETURN(const UtterancePlace place, segment_.Utterance(candidate.utterance, &lattice_));
      SKALD_ASSIGN_OR_RETURN(const IndexSource source, segment_.Source(place.source));
      const double max_gap_frames = source.frame_shift_s > 0 ? options_.max_gap_s / source.frame_shift_s
                                                             : std::numeric_limits<double>::infinity();
      const std::vector<Occurrence> occurrences = PhraseOccurrences(lattice_, slots, max_gap_frames);
      SKALD_RETURN_IF_ERROR(AddHits(candidate.utterance, place, occurrences, min_score, &hits));
    }
    return hits;
  }

  StatusOr<std::vector<SegmentHit>> Or(const Query& query, double min_score) {
    std::vector<SegmentHit> all;
    for (const Query& part : query.parts) {
      SKALD_ASSIGN_OR_RETURN(const std::vector<SegmentHit> hits, Evaluate(part, 0));
      for (SegmentHit hit : hits) {
        hit.score *= part.weight;
        all.push_back(hit);
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const SegmentHit& a, const SegmentHit& b) { return Place(a) < Place(b); });
    // As GroupOccurrences does, but over streams.
    std::vector<SegmentHit> groups;
    for (size_t i = 0; i < all.size();) {
      SegmentHit best = all[i];
      double sum = best.score;
      for (++i; i < all.size() && Stream(all[i]) == Stream(best) && all[i].start_s < best.end_s; ++i) {
        sum += all[i].score;
        if (all[i].score > best.score) best = all[i];
      }
      best.score = std::min(1.0, sum);
      if (best.score >= min_score) groups.push_back(best);
    }
    return groups;
  }

  StatusOr<std::vector<SegmentHit>> Near(const Query& query, double min_score) {
    SKALD_ASSIGN_OR_RETURN(std::vector<SegmentHit> left, Evaluate(query.parts[0], min_score));
    SKALD_ASSIGN_OR_RETURN(std::vector<SegmentHit> right, Evaluate(query.parts[1], min_score));
    const auto earlier = [](const SegmentHit& a, const SegmentHit& b) { return Place(a) < Place(b); };
    std::stable_sort(left.begin(), left.end(), earlier);
    std::stable_sort(right.begin(), right.end(), earlier);
    double longest_s = 0;
    for (const SegmentHit& hit : right) longest_s = std::max(longest_s, hit.end_s - hit.start_s);

    std::vector<SegmentHit> hits;
    for (const SegmentHit& hit : left) {
      SegmentHit from = hit;
      // A little earlier, so that rounding leaves what is just near enough to the check below.
      from.start_s = hit.start_s - query.within_s - longest_s - kRoundingS;
      from.end_s = -std::numeric_limits<double>::infinity();
      std::optional<SegmentHit> best;
      for (auto other = std::lower_bound(right.begin(), right.end(), from, earlier);
           other != right.end() && Stream(*other) == Stream(hit) &&
           other->start_s <= hit.end_s + query.within_s;
           ++other) {
        const bool overlap = other->start_s < hit.end_s && hit.start_s < other->end_s;
        if (overlap || hit.start_s - other->end_s > query.within_s) continue;
        if (!best || other->score > best->score) best = *other;
      }
      if (!best) continue;
      SegmentHit both = hit.start_s <= best->start_s ? hit : *best;
      both.end_s = std::max(hit.end_s, best->end_s);
      both.score = hit.score * best->score;
      if (both.score >= min_score) hits.push_back(both);
    }
    std::stable_sort(hits.begin(), hits.end(), earlier);
    return hits;
  }

  const IndexSegment& segment_;
  const EvaluationOptions& options_;
  PosteriorLattice lattice_;
  IndexSource source_;
  uint32_t source_number_ = std::numeric_limits<uint32_t>::max();
};

}  // namespace

StatusOr<std::vector<SegmentHit>> EvaluateQuery(const IndexSegment& segment, const Query& query,
                                                const EvaluationOptions& options) {
  return Evaluator(segment, options).Evaluate(query, options.min_score);
}

StatusOr<std::string> HitContext(const IndexSegment& segment, const SegmentHit& hit, int words) {
  PosteriorLattice lattice;
  SKALD_ASSIGN_OR_RETURN(const UtterancePlace place, segment.Utterance(hit.utterance, &lattice));
  SKALD_ASSIGN_OR_RETURN(const IndexSource source, segment.Source(place.source));
  std::vector<PosteriorLattice::Arc> best;
  for (const auto& arc : lattice.arcs) {
    if (arc.on_best_path) best.push_back(arc);
  }
  const auto seconds = [&](int32_t frame) { return place.start_s + frame * source.frame_shift_s; };
  size_t first = 0, end = 0;  // the words that the hit overlaps, or the gap in which it lies
  while (first < best.size() && seconds(best[first].end_frame) <= hit.start_s) ++first;
  for (end = first; end < best.size() && seconds(best[end].start_frame) < hit.end_s;) ++end;
  const size_t margin = static_cast<size_t>(std::max(0, words));
  first -= std::min(first, margin);
  end = std::min(best.size(), end + margin);
  std::string text;
  for (size_t i = first; i < end; ++i) {
    if (!text.empty()) text += ' ';
    text += segment.term(best[i].word);
  }
  return text;
}

}  // namespace skald
