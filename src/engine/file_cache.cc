#include "engine/file_cache.h"

#include <filesystem>

#include "base/file_lock.h"

namespace skald {

namespace fs = std::filesystem;

StatusOr<std::string> CachedFile(const std::string& path, const std::function<Status()>& make) {
  std::error_code error;
  if (fs::exists(path, error)) return path;
  const fs::path folder = fs::path(path).parent_path();
  fs::create_directories(folder, error);
  if (error) return Status::Io(error.message()).InFile(folder.string());

  SKALD_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(path + ".lock"));
  if (fs::exists(path, error)) return path;  // made by another process while this one waited
  SKALD_RETURN_IF_ERROR(make());
  fs::remove(path + ".lock", error);
  return path;
}

}  // namespace skald
