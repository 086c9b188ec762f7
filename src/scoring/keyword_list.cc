#include "scoring/keyword_list.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/utf8.h"
#include "scoring/text_lines.h"

namespace skald {
namespace {

/// One tag of an XML file, with the text up to the next.
struct XmlTag {
  std::string name;  ///< "/name" where it closes
  std::map<std::string, std::string> attributes;
  std::string text;
  int line = 0;
};

/// The value with its entities replaced; none where one is unknown.
std::optional<std::string> Unescape(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '&') {
      result += text[i++];
      continue;
    }
    const auto* entity = std::find_if(std::begin(kEntities), std::end(kEntities),
                                      [&](const auto& e) { return text.substr(i).starts_with(e.first); });
    if (entity == std::end(kEntities)) return std::nullopt;
    result += entity->second;
    i += entity->first.size();
  }
  return result;
}

std::string Escape(std::string_view text) {
  std::string result;
  for (const char c : ReplaceInvalidUtf8(text)) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      result += c == '\t' ? " " : "\uFFFD";
    else
      result += c;
  }
  return result;
}

/// The tags of the flat XML that NIST's lists are: no CDATA, no entities but the five of XML.
StatusOr<std::vector<XmlTag>> ReadXmlTags(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string xml, ReadMaybeGzippedFile(path));
  std::vector<XmlTag> tags;
  int line = 1;
  size_t counted = 0;
  for (size_t i = xml.find('<'); i != std::string::npos;) {
    line += static_cast<int>(
        std::count(xml.begin() + static_cast<long>(counted), xml.begin() + static_cast<long>(i), '\n'));
    counted = i;
    const bool comment = xml.compare(i, 4, "<!--") == 0;
    const size_t end = xml.find(comment ? "-->" : ">", i);
    if (end == std::string::npos) return BrokenLine(path, line, "a tag does not end");
    const size_t next = xml.find('<', end);
    if (!comment && xml[i + 1] != '?' && xml[i + 1] != '!') {
      XmlTag tag;
      tag.line = line;
      std::string_view inside = std::string_view(xml).substr(i + 1, end - i - 1);
      if (inside.ends_with('/')) inside.remove_suffix(1);
      tag.name = TakeField(inside);
      while (!inside.empty()) {
        const size_t equals = inside.find('=');
        const size_t quote = equals == std::string_view::npos ? equals : inside.find_first_of("\"'", equals);
        const size_t close = quote == std::string_view::npos ? quote : inside.find(inside[quote], quote + 1);
        if (close == std::string_view::npos) return BrokenLine(path, line, "a broken attribute");
        std::string_view name = inside.substr(0, equals);
        const auto value = Unescape(inside.substr(quote + 1, close - quote - 1));
        if (!value) return BrokenLine(path, line, "an unknown entity");
        tag.attributes[std::string(TakeField(name))] = *value;
        inside.remove_prefix(close + 1);
        inside.remove_prefix(std::min(inside.find_first_not_of(" \t\r\n"), inside.size()));
      }
      const size_t text_end = next == std::string::npos ? xml.size() : next;
      const auto text = Unescape(std::string_view(xml).substr(end + 1, text_end - end - 1));
      if (!text) return BrokenLine(path, line, "an unknown entity");
      tag.text = *text;
      tags.push_back(std::move(tag));
    }
    i = next;
  }
  return tags;
}

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace

StatusOr<std::vector<Keyword>> ReadKeywordList(const std::string& path) {
  std::vector<Keyword> keywords;
  std::set<std::string> ids;
  const auto add = [&](Keyword keyword, int line) {
    if (keyword.id.empty() || keyword.text.empty())
      return BrokenLine(path, line, "expected an id and a text");
    if (!ids.insert(keyword.id).second)
      return BrokenLine(path, line, "keyword " + keyword.id + " comes twice");
    keywords.push_back(std::move(keyword));
    return Status::Ok();
  };
  if (path.ends_with(".xml")) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<XmlTag> tags, ReadXmlTags(path));
    std::string id;
    for (const XmlTag& tag : tags) {
      if (tag.name == "kw") {
        const auto place = tag.attributes.find("kwid");
        id = place == tag.attributes.end() ? "" : place->second;
      } else if (tag.name == "kwtext") {
        SKALD_RETURN_IF_ERROR(add({id, Trimmed(tag.text)}, tag.line));
      }
    }
    return keywords;
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  for (const TextLine& line : lines) {
    const size_t tab = line.text.find('\t');
    if (tab == std::string::npos) return BrokenLine(path, line.number, "expected ID<TAB>TEXT");
    SKALD_RETURN_IF_ERROR(
        add({Trimmed(line.text.substr(0, tab)), Trimmed(line.text.substr(tab + 1))}, line.number));
  }
  return keywords;
}

std::string FormatKwslist(const std::vector<DetectedKeyword>& keywords) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kwslist kwlist_filename=\"\" language=\"\" "
      "system_id=\"skald\">\n";
  for (const DetectedKeyword& keyword : keywords) {
    xml += fmt::format("  <detected_kwlist kwid=\"{}\" search_time=\"{:.4f}\" oov_count=\"{}\">\n",
                       Escape(keyword.id), keyword.search_time_s, keyword.oov_count);
    for (const DetectedHit& hit : keyword.hits) {
      xml += fmt::format(
          "    <kw file=\"{}\" channel=\"{}\" tbeg=\"{:.3f}\" dur=\"{:.3f}\" score=\"{:.6f}\" "
          "decision=\"{}\"/>\n",
          Escape(hit.file), Escape(hit.channel), hit.start_s, hit.duration_s, hit.score,
          hit.decision ? "YES" : "NO");
    }
    xml += "  </detected_kwlist>\n";
  }
  return xml + "</kwslist>\n";
}

StatusOr<std::vector<DetectedKeyword>> ReadKwslist(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<XmlTag> tags, ReadXmlTags(path));
  std::vector<DetectedKeyword> keywords;
  bool is_list = false;
  for (const XmlTag& tag : tags) {
    const auto attribute = [&](const char* name) {
      const auto place = tag.attributes.find(name);
      return place == tag.attributes.end() ? std::string() : place->second;
    };
    if (tag.name == "kwslist") is_list = true;
    if (tag.name == "detected_kwlist") {
      keywords.emplace_back().id = attribute("kwid");
      if (keywords.back().id.empty()) return BrokenLine(path, tag.line, "a detected_kwlist without kwid");
    }
    if (tag.name != "kw") continue;
    if (keywords.empty()) return BrokenLine(path, tag.line, "a kw outside of a detected_kwlist");
    const auto start = ParseNumber(attribute("tbeg")), duration = ParseNumber(attribute("dur"));
    const auto score = ParseNumber(attribute("score"));
    if (!start || !duration || *duration < 0 || !score || attribute("file").empty()) {
      return BrokenLine(path, tag.line, "a kw needs file, tbeg, dur and score");
    }
    const std::string decision = attribute("decision");
    if (decision != "YES" && decision != "NO") return BrokenLine(path, tag.line, "decision is YES or NO");
    keywords.back().hits.push_back(
        {attribute("file"), attribute("channel"), *start, *duration, *score, decision == "YES"});
  }
  if (!is_list) return Status::Corrupt("not a kwslist").InFile(path);
  return keywords;
}

}  // namespace skald
