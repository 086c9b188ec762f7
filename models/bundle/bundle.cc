#include "models/bundle/bundle.h"

#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "base/token_list.h"
#include "models/bundle/manifest_reader.h"

namespace skald {
namespace {

constexpr size_t kMaxManifestBytes = size_t{1} << 20;

Status CheckSize(const std::string& path, int64_t expected) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    return Status(missing ? StatusCode::kNotFound : StatusCode::kIo,
                  missing ? "is missing from the bundle" : error.message())
        .InFile(path);
  }
  if (bytes != static_cast<uintmax_t>(expected)) {
    return Status::Corrupt(std::to_string(bytes) + " bytes, bundle.json says " + std::to_string(expected))
        .InFile(path);
  }
  return Status::Ok();
}

}  // namespace

StatusOr<Bundle> Bundle::Open(const std::string& folder) {
  const std::string path = folder + "/bundle.json";
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxManifestBytes));
  StatusOr<BundleManifest> manifest = ReadBundleManifest(text);
  if (!manifest.ok()) return std::move(manifest).status().InFile(path);
  Bundle bundle;
  bundle.folder_ = folder;
  bundle.manifest_ = std::move(manifest).value();
  for (const auto& [name, file] : bundle.manifest_.files) {
    SKALD_RETURN_IF_ERROR(CheckSize(folder + "/" + name, file.bytes));
  }
  return bundle;
}

StatusOr<std::string> Bundle::VerifiedPath(const std::string& file) const {
  const auto entry = manifest_.files.find(file);
  if (entry == manifest_.files.end()) {
    return Status::NotFound("bundle.json does not list " + (file.empty() ? "such a file" : file))
        .InFile(folder_);
  }
  std::string path = folder_ + "/" + file;
  SKALD_RETURN_IF_ERROR(CheckSize(path, entry->second.bytes));
  SKALD_ASSIGN_OR_RETURN(const std::string sha256, Sha256HexOfFile(path));
  if (sha256 != entry->second.sha256) {
    return Status::Corrupt("SHA-256 is " + sha256 + ", bundle.json says " + entry->second.sha256)
        .InFile(path);
  }
  return path;
}

Status Bundle::VerifyAll() const {
  for (const auto& [name, file] : manifest_.files) {
    if (StatusOr<std::string> path = VerifiedPath(name); !path.ok()) return std::move(path).status();
  }
  return Status::Ok();
}

StatusOr<std::vector<std::string>> Bundle::ReadUnits(const std::string& head) const {
  const auto found = manifest_.heads.find(head);
  if (found == manifest_.heads.end()) {
    return Status::InvalidArgument("bundle " + manifest_.name + " has no head " + head);
  }
  SKALD_ASSIGN_OR_RETURN(const std::string path, VerifiedPath(found->second.units_file));
  SKALD_ASSIGN_OR_RETURN(std::vector<std::string> units, ReadTokenList(path));
  if (units.size() != static_cast<size_t>(found->second.units)) {
    return Status::Corrupt(std::to_string(units.size()) + " units, head " + head + " has " +
                           std::to_string(found->second.units))
        .InFile(path);
  }
  return units;
}

}  // namespace skald
