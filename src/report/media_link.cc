#include "report/media_link.h"

#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace skald {

namespace fs = std::filesystem;

std::string RelativeUrl(const std::string& media_path, const std::string& page_path) {
  const fs::path media = fs::absolute(media_path).lexically_normal();
  const fs::path folder = fs::absolute(page_path).lexically_normal().parent_path();
  std::string url = "./";  // a first part with a colon would be a scheme
  for (const char c : media.lexically_relative(folder).generic_string()) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       (c != '\0' && std::strchr("-._~/", c) != nullptr);
    url += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

std::string MediaType(const std::string& path) {
  static constexpr std::pair<std::string_view, const char*> kTypes[] = {
      {".aac", "audio/aac"},  {".flac", "audio/flac"}, {".m4a", "audio/mp4"},   {".m4v", "video/mp4"},
      {".mka", "audio/webm"}, {".mkv", "video/webm"},  {".mov", "video/mp4"},   {".mp3", "audio/mpeg"},
      {".mp4", "video/mp4"},  {".oga", "audio/ogg"},   {".ogg", "audio/ogg"},   {".ogv", "video/ogg"},
      {".opus", "audio/ogg"}, {".wav", "audio/wav"},   {".webm", "video/webm"},
  };
  const std::string extension = ToLower(fs::path(path).extension().string());
  for (const auto& [known, type] : kTypes) {
    if (extension == known) return type;
  }
  return "application/octet-stream";
}

}  // namespace skald
