#include <filesystem>
#include <mutex>
#include <pybind11/stl.h>
#include <shared_mutex>
#include <skald/keyword_index.h>
#include <skald/recognizer.h>
#include <string>
#include <utility>

#include "bind.h"
#include "errors.h"
#include "options.h"
#include "results.h"

namespace skald::python {
namespace {

namespace py = pybind11;

/// The pronunciations of the default model; empty where it has none.
std::string DefaultPronunciations() {
  const StatusOr<std::string> folder = FindDefaultBundle();
  if (!folder.ok()) return "";
  const std::filesystem::path path = std::filesystem::path(*folder) / "pronunciations.txt.gz";
  std::error_code error;
  return std::filesystem::exists(path, error) ? path.string() : "";
}

/// Several threads may search at once; a refresh waits for them.
class PyKeywordIndex {
 public:
  PyKeywordIndex(const std::string& folder, const std::string& pronunciations) : index_(Opened(folder)) {
    if (!pronunciations.empty()) index_.SetPronunciations(pronunciations);
  }

  KeywordSearchResult Search(const std::string& query, const KeywordSearchOptions& options) const {
    StatusOr<KeywordSearchResult> result = [&] {
      py::gil_scoped_release release;
      std::shared_lock lock(mutex_);
      return index_.Search(query, options);
    }();
    return ValueOrRaise(std::move(result));
  }

  void Refresh() {
    Status status;
    {
      py::gil_scoped_release release;
      std::unique_lock lock(mutex_);
      status = index_.Refresh();
    }
    RaiseIfError(status);
  }

  py::list Files() {
    StatusOr<std::vector<std::string>> files = [&] {
      py::gil_scoped_release release;
      std::unique_lock lock(mutex_);
      return index_.Files();
    }();
    py::list paths;
    for (const std::string& path : ValueOrRaise(std::move(files))) paths.append(PathText(path));
    return paths;
  }

 private:
  static KeywordIndex Opened(const std::string& folder) {
    StatusOr<KeywordIndex> index = [&] {
      py::gil_scoped_release release;
      return KeywordIndex::Open(folder);
    }();
    return ValueOrRaise(std::move(index));
  }
  KeywordIndex index_;
  mutable std::shared_mutex mutex_;
};

/// Calls `work`, which gives a StatusOr of a number, without the GIL.
template <typename Work>
int64_t Counted(const Work& work) {
  StatusOr<int64_t> count = [&] {
    py::gil_scoped_release release;
    return work();
  }();
  return ValueOrRaise(std::move(count));
}

}  // namespace

void BindIndex(py::module_& module) {
  py::class_<KeywordHit>(module, "KeywordHit")
      .def_property_readonly("file", [](const KeywordHit& hit) { return PathText(hit.file); })
      .def_readonly("track", &KeywordHit::track)
      .def_readonly("channel", &KeywordHit::channel)
      .def_readonly("start_s", &KeywordHit::start_s)
      .def_readonly("end_s", &KeywordHit::end_s)
      .def_readonly("play_s", &KeywordHit::play_s)
      .def_readonly("score", &KeywordHit::score)
      .def_readonly("decision", &KeywordHit::decision)
      .def_property_readonly("context", [](const KeywordHit& hit) { return TextOf(hit.context); });
  py::class_<KeywordSearchResult>(module, "SearchResult")
      .def_property_readonly("query", [](const KeywordSearchResult& result) { return TextOf(result.query); })
      .def_readonly("kind", &KeywordSearchResult::kind)
      .def_readonly("hits", &KeywordSearchResult::hits)
      .def_readonly("hit_count", &KeywordSearchResult::hit_count)
      .def_readonly("threshold", &KeywordSearchResult::threshold)
      .def_property_readonly("tried", [](const KeywordSearchResult& result) { return TextOf(result.tried); });
  py::class_<PyKeywordIndex>(module, "KeywordIndex")
      .def(py::init([](const py::object& folder, const py::object& pronunciations) {
             return std::make_unique<PyKeywordIndex>(
                 PathOf(folder), pronunciations.is_none() ? DefaultPronunciations() : PathOf(pronunciations));
           }),
           py::arg("folder"), py::arg("pronunciations") = py::none())
      .def(
          "search",
          [](const PyKeywordIndex& self, const std::string& query, double min_score, size_t max_hits,
             int context_words, double max_gap_s, bool sounds_alike, int threads) {
            KeywordSearchOptions options;
            options.min_score = min_score;
            options.max_hits = max_hits;
            options.context_words = context_words;
            options.max_gap_s = max_gap_s;
            options.oov = sounds_alike ? OovSearch::kAuto : OovSearch::kOff;
            options.threads = threads;
            RaiseIfError(options.Validate());
            return self.Search(query, options);
          },
          py::arg("query"), py::kw_only(), py::arg("min_score") = KeywordSearchOptions().min_score,
          py::arg("max_hits") = 0, py::arg("context_words") = KeywordSearchOptions().context_words,
          py::arg("max_gap_s") = KeywordSearchOptions().max_gap_s, py::arg("sounds_alike") = true,
          py::arg("threads") = 0)
      .def("refresh", &PyKeywordIndex::Refresh)
      .def_property_readonly("files", &PyKeywordIndex::Files)
      .def_static("merge",
                  [](const py::object& folder) {
                    const std::string path = PathOf(folder);
                    return Counted([&] { return KeywordIndex::Merge(path); });
                  })
      .def_static("absorb",
                  [](const py::object& folder, const py::object& other) {
                    const std::string to = PathOf(folder), from = PathOf(other);
                    return Counted([&] { return KeywordIndex::Absorb(to, from); });
                  })
      .def_static("remove", [](const py::object& folder, const std::vector<py::object>& files) {
        std::vector<std::string> paths;
        for (const py::object& file : files) paths.push_back(PathOf(file));
        const std::string path = PathOf(folder);
        return Counted([&] { return KeywordIndex::Remove(path, paths); });
      });
}

}  // namespace skald::python
