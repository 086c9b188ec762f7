#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <skald/keyword_indexer.h>
#include <skald/recognizer.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bind.h"
#include "errors.h"
#include "options.h"
#include "results.h"

namespace skald::python {
namespace {

namespace py = pybind11;

/// What stops a run: the first exception of a callback, of the iterator of paths, or a signal. Its members
/// are used with the GIL.
class Interruption {
 public:
  /// Calls back into Python from any thread; after an exception nothing is called any more.
  template <typename Call>
  void Guarded(const Call& call) {
    if (stopped_) return;
    py::gil_scoped_acquire acquire;
    try {
      call();
    } catch (py::error_already_set& error) {
      Keep(std::move(error));
    }
  }
  bool stopped() const { return stopped_; }

  void CheckSignals() {
    py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return;
    Keep(py::error_already_set());
  }

  /// Raises what stopped the run.
  void Rethrow() {
    if (error_) throw std::move(*error_);
  }

 private:
  void Keep(py::error_already_set error) {
    if (!error_) error_.emplace(std::move(error));
    stopped_ = true;
  }
  std::atomic<bool> stopped_ = false;
  std::optional<py::error_already_set> error_;
};

/// Runs `work` on another thread while this one, without the GIL, hears signals: Control-C ends a run early.
template <typename Work>
void RunInterruptibly(Interruption* interruption, const Work& work) {
  std::mutex mutex;
  std::condition_variable condition;
  bool done = false;
  std::thread thread([&] {
    work();
    std::lock_guard lock(mutex);
    done = true;
    condition.notify_one();
  });
  std::unique_lock lock(mutex);
  while (!condition.wait_for(lock, std::chrono::milliseconds(100), [&] { return done; })) {
    lock.unlock();
    interruption->CheckSignals();
    lock.lock();
  }
  lock.unlock();
  thread.join();
}

/// Mono float32 samples of an object with the buffer protocol, e.g. a numpy array; a view, or a copy where
/// strides want one.
struct Samples {
  explicit Samples(const py::handle& object) : info(py::reinterpret_borrow<py::buffer>(object).request()) {
    if (info.ndim != 1 || info.format != py::format_descriptor<float>::format()) {
      throw py::type_error("samples are one-dimensional float32 arrays in [-1, 1], not of format '" +
                           info.format + "' with " + std::to_string(info.ndim) + " dimensions");
    }
    const auto* first = static_cast<const char*>(info.ptr);
    for (py::ssize_t i = 0; i < info.size; ++i) {
      const float sample = *reinterpret_cast<const float*>(first + i * info.strides[0]);
      if (!std::isfinite(sample)) throw py::value_error("sample " + std::to_string(i) + " is not finite");
      if (info.strides[0] != info.itemsize) copy.push_back(sample);
    }
  }
  PcmView view() const {
    return copy.empty() ? PcmView(static_cast<const float*>(info.ptr), static_cast<size_t>(info.size))
                        : PcmView(copy);
  }
  py::buffer_info info;
  std::vector<float> copy;
};

class PyRecognizer {
 public:
  explicit PyRecognizer(const RecognizerOptions& options) {
    py::gil_scoped_release release;
    StatusOr<std::unique_ptr<Recognizer>> made = Recognizer::Create(options);
    py::gil_scoped_acquire acquire;
    recognizer_ = ValueOrRaise(std::move(made));
  }

  void Transcribe(const py::iterator& paths, int64_t files, const MediaOptions& media,
                  const std::optional<std::string>& index, const py::object& on_result,
                  const py::object& on_progress) {
    Interruption interruption;
    Status index_status;
    {
      py::gil_scoped_release release;
      std::lock_guard lock(mutex_);
      std::optional<KeywordIndexer> indexer;
      if (index) {
        StatusOr<KeywordIndexer> opened =
            recognizer_->has_graph()
                ? KeywordIndexer::Open(*index, recognizer_->graph())
                : Status::InvalidArgument("an index is made of lattices, which greedy decoding has none of");
        index_status = opened.status();
        if (opened.ok()) indexer.emplace(std::move(*opened));
      }
      if (index_status.ok()) {
        RunInterruptibly(&interruption, [&] {
          recognizer_->TranscribeInputs(
              [&] { return NextPath(paths, &interruption); }, files, media,
              [&](FileResult result) {
                if (indexer) {
                  const Status added = indexer->AddFile(result);
                  if (index_status.ok()) index_status = added;
                }
                interruption.Guarded([&] { Deliver(std::move(result), on_result); });
              },
              [&](const PipelineProgress& now) {
                if (on_progress.is_none()) return;
                interruption.Guarded([&] { on_progress(now.files_done, now.files, now.audio_s); });
              },
              1, nullptr, indexer ? indexer->lattice_sink() : LatticeSink());
        });
        if (indexer) {
          const Status finished = indexer->Finish();
          if (index_status.ok()) index_status = finished;
        }
      }
    }
    interruption.Rethrow();
    RaiseIfError(index_status);
  }

  py::list TranscribeSamples(const py::list& arrays, int sample_rate_hz) {
    if (sample_rate_hz != kSampleRateHz) {
      Raise(Status::InvalidArgument("samples must be at 16000 Hz, not " + std::to_string(sample_rate_hz) +
                                    ": resample them, or transcribe a file, which may have any rate"));
    }
    std::vector<Samples> samples;
    for (const py::handle& array : arrays) samples.emplace_back(array);
    std::vector<PcmView> views;
    for (const Samples& one : samples) views.push_back(one.view());
    std::vector<FileResult> results;
    Interruption interruption;
    {
      py::gil_scoped_release release;
      std::lock_guard lock(mutex_);
      RunInterruptibly(&interruption, [&] {
        recognizer_->TranscribeSamples(views,
                                       [&](FileResult result) { results.push_back(std::move(result)); });
      });
    }
    interruption.Rethrow();
    py::list transcripts;
    for (FileResult& result : results) {
      RaiseIfError(result.status);
      transcripts.append(py::cast(std::move(result.transcripts.front())));
    }
    return transcripts;
  }

  py::dict Info() const {
    const RecognizerInfo& info = recognizer_->info();
    py::list notes;
    for (const std::string& note : info.notes) notes.append(TextOf(note));
    using namespace py::literals;
    return py::dict("model_folder"_a = PathText(info.model_folder), "model_name"_a = TextOf(info.model_name),
                    "head"_a = TextOf(info.head), "device"_a = info.device, "precision"_a = info.precision,
                    "search_device"_a = info.search_device, "graph_path"_a = PathText(info.graph_path),
                    "threads"_a = info.threads, "load_s"_a = info.load_s, "notes"_a = notes);
  }

 private:
  static std::optional<std::string> NextPath(const py::iterator& paths, Interruption* interruption) {
    std::optional<std::string> path;
    interruption->Guarded([&] {
      const auto next = py::reinterpret_steal<py::object>(PyIter_Next(paths.ptr()));
      if (next) {
        path = PathOf(next);
      } else if (PyErr_Occurred() != nullptr) {
        throw py::error_already_set();
      }
    });
    return path;
  }

  static void Deliver(FileResult result, const py::object& on_result) {
    py::list transcripts;
    for (Transcript& transcript : result.transcripts) transcripts.append(py::cast(std::move(transcript)));
    on_result(PathText(result.path), result.status.ok() ? py::none() : ErrorOf(result.status), transcripts);
  }

  std::unique_ptr<Recognizer> recognizer_;
  std::mutex mutex_;  ///< one call at a time; taken without the GIL
};

}  // namespace

void BindRecognizer(py::module_& module) {
  py::class_<PyRecognizer>(module, "Recognizer")
      .def(py::init([](const py::object& model, const py::object& device, py::kwargs options) {
             options["model"] = model;
             options["device"] = device;
             return std::make_unique<PyRecognizer>(OptionsOf(options));
           }),
           py::arg("model") = py::none(), py::arg("device") = "auto")
      .def("_transcribe",
           [](PyRecognizer& self, const py::iterator& paths, int64_t files, int track, bool split_channels,
              bool allow_network, const py::object& index, const py::object& on_result,
              const py::object& on_progress) {
             MediaOptions media;
             media.track = track;
             media.split_channels = split_channels;
             media.allow_network = allow_network;
             std::optional<std::string> folder;
             if (!index.is_none()) folder = PathOf(index);
             self.Transcribe(paths, files, media, folder, on_result, on_progress);
           })
      .def("_transcribe_samples", &PyRecognizer::TranscribeSamples)
      .def_property_readonly("info", &PyRecognizer::Info);
}

}  // namespace skald::python
