#include "engine/model_folder.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace skald {
namespace {

namespace fs = std::filesystem;

/// The file that holds this code: the shared library, or the program that it was linked into.
fs::path LibraryFile() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&LibraryFile), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  return fs::weakly_canonical(info.dli_fname, error);
}

}  // namespace

StatusOr<std::string> FindModelFolder(const std::string& name, const std::string& file,
                                      const char* variable) {
  if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0')
    return std::string(folder);
  std::error_code error;
  std::string looked;
  for (const fs::path& start : {LibraryFile(), fs::read_symlink("/proc/self/exe", error)}) {
    for (fs::path folder = start.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
      for (const char* models : {"models", "share/skald/models"}) {
        const fs::path found = folder / models / name;
        if (fs::exists(found / file, error)) return found.string();
      }
    }
    if (looked != start.string()) looked += (looked.empty() ? "" : " or ") + start.string();
  }
  return Status::NotFound("models/" + name + " is in no folder above " + looked + ", and " + variable +
                          " is not set");
}

}  // namespace skald
