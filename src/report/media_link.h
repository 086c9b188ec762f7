#pragma once

#include <string>

namespace skald {

/// The media file as a URL relative to the folder of `page_path`, percent-encoded, so that page and media may
/// be moved together.
std::string RelativeUrl(const std::string& media_path, const std::string& page_path);

/// The media type of a file by its ending, e.g. "audio/mpeg"; "application/octet-stream" where it is not
/// known.
std::string MediaType(const std::string& path);

}  // namespace skald
