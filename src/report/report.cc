#include "report/report.h"

#include <report_template.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/base64.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/markup.h"
#include "base/utf8.h"
#include "report/media_link.h"

namespace skald {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr size_t kMaxEmbeddedBytes = size_t{256} << 20;  // browsers limit texts to 512 MB

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// JSON that may stand in a script element: nothing in it ends the element or begins a comment.
std::string ScriptJson(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&') {
      text += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      text += c;
    }
  }
  return text;
}

/// Milliseconds are enough; what is not known or no number is null.
Json Number(double value) { return std::isfinite(value) ? Json(std::round(value * 1000) / 1000) : Json(); }

Json Text(const std::string& text) { return ReplaceInvalidUtf8(text); }

Json WordJson(const Word& word) {
  Json json = {Text(word.text), Number(word.start_s), Number(word.end_s), Number(word.confidence)};
  if (word.alternatives.empty()) return json;
  Json others = Json::array();
  for (const WordAlternative& other : word.alternatives) {
    others.push_back({Text(other.text), Number(std::clamp(other.posterior, 0.0, 1.0))});
  }
  json.push_back(std::move(others));
  return json;
}

/// Names to tell recordings apart: the file's name, its whole path where several share the name, the track
/// where it is not the first.
std::vector<std::string> Names(const std::vector<ReportRecording>& recordings) {
  std::map<std::string, std::set<std::string>> paths;
  for (const ReportRecording& recording : recordings) {
    const std::string& path = recording.transcript.source.path;
    paths[fs::path(path).filename().string()].insert(path);
  }
  std::vector<std::string> names;
  for (const ReportRecording& recording : recordings) {
    const Transcript::Source& source = recording.transcript.source;
    std::string name = fs::path(source.path).filename().string();
    if (paths[name].size() > 1 || name.empty()) name = source.path;
    if (source.track > 0) name += fmt::format(" · track {}", source.track + 1);
    names.push_back(std::move(name));
  }
  return names;
}

StatusOr<Json> RecordingJson(const ReportRecording& recording, const std::string& name, Json media) {
  const Transcript& transcript = recording.transcript;
  std::vector<const Segment*> ordered;
  for (const Segment& segment : transcript.segments) ordered.push_back(&segment);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Segment* a, const Segment* b) { return a->start_s < b->start_s; });
  Json segments = Json::array();
  bool has_alternatives = false;
  double end_s = transcript.source.duration_s;
  for (const Segment* segment : ordered) {
    Json words = Json::array();
    for (const Word& word : segment->words) {
      if (!std::isfinite(word.start_s) || !std::isfinite(word.end_s)) {
        return Status::InvalidArgument(fmt::format("the word '{}' has no times", word.text))
            .InFile(transcript.source.path);
      }
      has_alternatives = has_alternatives || !word.alternatives.empty();
      end_s = std::max(end_s, word.end_s);
      words.push_back(WordJson(word));
    }
    Json json = {{"channel", segment->channel}, {"start", Number(segment->start_s)}};
    if (words.empty()) json["text"] = Text(segment->text);
    json["words"] = std::move(words);
    segments.push_back(std::move(json));
  }
  Json warnings = Json::array();
  for (const Warning& warning : transcript.warnings) {
    warnings.push_back({Number(warning.time_s), Text(warning.what)});
  }
  return Json{{"name", Text(name)},
              {"duration", Number(end_s)},
              {"model", Text(transcript.model_name)},
              {"has_alternatives", has_alternatives},
              {"media", std::move(media)},
              {"segments", std::move(segments)},
              {"warnings", std::move(warnings)}};
}

/// Which recording a hit lies in.
class RecordingFinder {
 public:
  explicit RecordingFinder(const std::vector<ReportRecording>& recordings) {
    for (size_t i = 0; i < recordings.size(); ++i) {
      const Transcript::Source& source = recordings[i].transcript.source;
      paths_.try_emplace({Absolute(source.path), source.track}, i);
      names_[{fs::path(source.path).filename().string(), source.track}].push_back(i);
    }
  }

  /// -1: none of the report.
  int Find(const KeywordHit& hit) const {
    const auto same = paths_.find({Absolute(hit.file), hit.track});
    if (same != paths_.end()) return static_cast<int>(same->second);
    const auto named = names_.find({fs::path(hit.file).filename().string(), hit.track});
    return named != names_.end() && named->second.size() == 1 ? static_cast<int>(named->second[0]) : -1;
  }

 private:
  static std::string Absolute(const std::string& path) {
    return fs::absolute(path).lexically_normal().string();
  }

  std::map<std::pair<std::string, int>, size_t> paths_;
  std::map<std::pair<std::string, int>, std::vector<size_t>> names_;
};

Json SearchJson(const KeywordSearchResult& search, const RecordingFinder& finder) {
  Json hits = Json::array();
  int elsewhere = 0;
  for (const KeywordHit& hit : search.hits) {
    const int recording = finder.Find(hit);
    if (recording < 0) {
      ++elsewhere;
      continue;
    }
    hits.push_back({{"recording", recording},
                    {"channel", hit.channel},
                    {"start", Number(hit.start_s)},
                    {"end", Number(hit.end_s)},
                    {"play", Number(hit.play_s)},
                    {"score", Number(hit.score)},
                    {"decision", hit.decision},
                    {"context", Text(hit.context)}});
  }
  return {{"query", Text(search.query)},
          {"tried", Text(search.tried)},
          {"elsewhere", elsewhere},
          {"hits", std::move(hits)}};
}

/// The element that holds an embedded media file, in base64.
Status WriteMedia(const std::string& media_path, const std::string& id, AtomicFile* file) {
  SKALD_ASSIGN_OR_RETURN(const MappedFile media, MappedFile::Open(media_path));
  if (media.bytes().size() > kMaxEmbeddedBytes) {
    return Status::ResourceExhausted("too large to embed; link it instead").InFile(media_path);
  }
  SKALD_RETURN_IF_ERROR(file->Write(fmt::format("<script type=\"application/octet-stream\" id=\"{}\">", id)));
  constexpr size_t kPiece = 3 << 18;
  for (size_t at = 0; at < media.bytes().size(); at += kPiece) {
    const size_t size = std::min(kPiece, media.bytes().size() - at);
    SKALD_RETURN_IF_ERROR(file->Write(Base64(media.bytes().subspan(at, size))));
  }
  return file->Write("</script>\n");
}

std::string Script() {
  std::string script;
  for (const std::string_view part :
       {embedded::PageJs(), embedded::TranscriptJs(), embedded::PlayerJs(), embedded::FindingsJs()}) {
    script += part;
  }
  return script;
}

/// What the page may do: run its one script and style, play media that it holds or that lie beside it.
std::string Policy(std::string_view script, std::string_view style, ReportMedia media) {
  return fmt::format(
      "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; media-src {}; img-src data:; "
      "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
      Base64(Sha256(Bytes(script))), Base64(Sha256(Bytes(style))),
      media == ReportMedia::kEmbed ? "blob:" : "'self' file:");
}

}  // namespace

Status WriteReport(const Report& report, const std::string& path) {
  SKALD_CHECK(!report.recordings.empty(), "a report without recordings");
  const bool embed = report.media == ReportMedia::kEmbed;
  const std::vector<std::string> names = Names(report.recordings);
  Json recordings = Json::array(), searches = Json::array();
  for (size_t i = 0; i < report.recordings.size(); ++i) {
    const std::string& media_path = report.recordings[i].media_path;
    Json media;
    if (!media_path.empty() && embed) {
      media = {{"embedded", fmt::format("media-{}", i)}, {"type", MediaType(media_path)}};
    } else if (!media_path.empty()) {
      media = {{"url", RelativeUrl(media_path, path)}};
    }
    SKALD_ASSIGN_OR_RETURN(Json recording, RecordingJson(report.recordings[i], names[i], std::move(media)));
    recordings.push_back(std::move(recording));
  }
  const RecordingFinder finder(report.recordings);
  for (const KeywordSearchResult& search : report.searches) searches.push_back(SearchJson(search, finder));

  const std::string script = Script();
  const std::map<std::string_view, std::string> fields = {
      {"title", EscapeMarkup(ReplaceInvalidUtf8(report.title), true)},
      {"version", SKALD_VERSION},
      {"policy", Policy(script, embedded::ReportCss(), report.media)},
      {"style", std::string(embedded::ReportCss())},
      {"script", script},
      {"data", ScriptJson({{"recordings", std::move(recordings)}, {"searches", std::move(searches)}})},
  };
  SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  std::string_view rest = embedded::ReportHtml();
  for (size_t at = rest.find("{{"); at != std::string_view::npos; at = rest.find("{{")) {
    const size_t end = rest.find("}}", at);
    SKALD_CHECK(end != std::string_view::npos, "the report's template has a field without an end");
    SKALD_RETURN_IF_ERROR(file.Write(rest.substr(0, at)));
    const std::string_view name = rest.substr(at + 2, end - at - 2);
    rest = rest.substr(end + 2);
    if (name == "media") {
      for (size_t i = 0; embed && i < report.recordings.size(); ++i) {
        if (report.recordings[i].media_path.empty()) continue;
        SKALD_RETURN_IF_ERROR(WriteMedia(report.recordings[i].media_path, fmt::format("media-{}", i), &file));
      }
    } else {
      SKALD_RETURN_IF_ERROR(file.Write(fields.at(name)));
    }
  }
  SKALD_RETURN_IF_ERROR(file.Write(rest));
  return file.Commit();
}

}  // namespace skald
