#include "engine/graph_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <sys/file.h>
#include <utility>

namespace skald {
namespace {

namespace fs = std::filesystem;

/// An exclusive lock on a file, held while the object lives; released by the system if the process dies.
class FileLock {
 public:
  static StatusOr<FileLock> Acquire(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0 || ::flock(descriptor, LOCK_EX) != 0) {
      const Status status = Status::Io(std::strerror(errno)).InFile(path);
      if (descriptor >= 0) ::close(descriptor);
      return status;
    }
    return FileLock(descriptor);
  }
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace

StatusOr<GraphSources> GraphSourcesOfBundle(const Bundle& bundle, const std::string& head_name) {
  const BundleManifest& manifest = bundle.manifest();
  const HeadDescription& head = manifest.heads.at(head_name);
  if (manifest.lm_file.empty()) {
    return Status::Unsupported("the bundle has no language model to build a graph from")
        .InFile(bundle.folder());
  }
  GraphSources sources;
  SKALD_ASSIGN_OR_RETURN(sources.units, bundle.ReadUnits(head_name));
  SKALD_ASSIGN_OR_RETURN(sources.language_model_path, bundle.VerifiedPath(manifest.lm_file));
  if (head.uses_pronunciations) {
    sources.lexicon_kind = LexiconKind::kPronunciations;
    SKALD_ASSIGN_OR_RETURN(sources.lexicon_path, bundle.VerifiedPath(manifest.pronunciations_file));
  } else if (!head.sentencepiece_file.empty()) {
    sources.lexicon_kind = LexiconKind::kPieces;
    SKALD_ASSIGN_OR_RETURN(sources.lexicon_path, bundle.VerifiedPath(head.sentencepiece_file));
  } else {
    sources.lexicon_kind = LexiconKind::kCharacters;
    sources.separator = head.word_separator;
  }
  return sources;
}

StatusOr<std::string> CachedGraph(const GraphSources& sources, const GraphOptions& options,
                                  const std::string& cache_folder, const BuildProgress& progress) {
  SKALD_ASSIGN_OR_RETURN(const std::string key, GraphCacheKey(sources, options));
  const std::string folder = cache_folder + "/graphs";
  const std::string path = folder + "/" + key + ".skg";
  std::error_code error;
  if (fs::exists(path, error)) return path;
  fs::create_directories(folder, error);
  if (error) return Status::Io(error.message()).InFile(folder);

  SKALD_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(path + ".lock"));
  if (fs::exists(path, error)) return path;  // built by another process while this one waited
  const auto report = [&](double fraction, std::string_view phase) {
    if (progress) progress(fraction, std::string(phase));
  };
  SKALD_ASSIGN_OR_RETURN(const GraphImage graph, BuildGraph(sources, options, report));
  SKALD_RETURN_IF_ERROR(WriteGraphImage(graph, path));
  fs::remove(path + ".lock", error);
  return path;
}

StatusOr<std::string> GraphOfBundle(const Bundle& bundle, const std::string& head,
                                    const std::string& cache_folder, const BuildProgress& progress) {
  SKALD_ASSIGN_OR_RETURN(const GraphSources sources, GraphSourcesOfBundle(bundle, head));
  return CachedGraph(sources, GraphOptions(), cache_folder, progress);
}

}  // namespace skald
