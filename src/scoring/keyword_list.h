#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// A keyword of a list.
struct Keyword {
  std::string id;
  std::string text;
};

/// Reads a keyword list: NIST's kwlist where the name ends in .xml, else "ID<TAB>TEXT" lines. kCorrupt, with
/// the line, where something is broken or an id comes twice.
StatusOr<std::vector<Keyword>> ReadKeywordList(const std::string& path);

/// A place where a keyword was detected.
struct DetectedHit {
  std::string file;
  std::string channel;
  double start_s = 0;
  double duration_s = 0;
  double score = 0;
  bool decision = false;
};

struct DetectedKeyword {
  std::string id;
  std::vector<DetectedHit> hits;
  double search_time_s = 0;
  int oov_count = 0;
};

/// NIST's kwslist. What XML cannot hold becomes U+FFFD.
std::string FormatKwslist(const std::vector<DetectedKeyword>& keywords);

/// Reads NIST's kwslist: of every detected_kwlist the kw elements. kCorrupt, with the line.
StatusOr<std::vector<DetectedKeyword>> ReadKwslist(const std::string& path);

}  // namespace skald
