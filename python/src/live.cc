#include <mutex>
#include <skald/live_session.h>
#include <string>
#include <utility>
#include <vector>

#include "bind.h"
#include "errors.h"
#include "options.h"
#include "results.h"

namespace skald::python {
namespace {

namespace py = pybind11;

/// A live session whose updates are returned by the call that brought them about.
class PyLiveSession {
 public:
  PyLiveSession(const RecognizerOptions& options, const LiveOptions& live) {
    StatusOr<std::unique_ptr<LiveSession>> session = [&] {
      py::gil_scoped_release release;
      return LiveSession::Create(options, live,
                                 [this](const LiveUpdate& update) { updates_.push_back(update); });
    }();
    session_ = ValueOrRaise(std::move(session));
  }

  py::list Push(const py::buffer& samples) {
    const py::buffer_info info = samples.request();
    if (info.ndim != 1 || info.format != py::format_descriptor<float>::format() ||
        info.strides[0] != info.itemsize) {
      throw py::type_error("samples are a contiguous one-dimensional float32 array in [-1, 1] at 16 kHz");
    }
    const PcmView view(static_cast<const float*>(info.ptr), static_cast<size_t>(info.size));
    return Updates([&] {
      const int64_t first = next_sample_;
      next_sample_ += info.size;
      return session_->Push(first, view);
    });
  }

  py::list Finish() {
    return Updates([&] { return session_->Finish(); });
  }

 private:
  template <typename Work>
  py::list Updates(const Work& work) {
    std::vector<LiveUpdate> updates;
    Status status;
    {
      py::gil_scoped_release release;
      std::lock_guard lock(mutex_);
      status = work();
      updates = std::exchange(updates_, {});
    }
    RaiseIfError(status);
    py::list list;
    for (LiveUpdate& update : updates) list.append(py::cast(std::move(update)));
    return list;
  }

  std::mutex mutex_;  ///< guards the rest
  std::unique_ptr<LiveSession> session_;
  std::vector<LiveUpdate> updates_;
  int64_t next_sample_ = 0;
};

}  // namespace

void BindLive(py::module_& module) {
  py::class_<LiveUpdate>(module, "LiveUpdate")
      .def_readonly("words", &LiveUpdate::words)
      .def_readonly("line_ended", &LiveUpdate::line_ended)
      .def_readonly("heard_s", &LiveUpdate::heard_s);
  const LiveOptions defaults;
  py::class_<PyLiveSession>(module, "LiveSession")
      .def(py::init([](const py::object& model, const py::object& device, double max_delay_s,
                       double lookahead_s, double step_s, py::kwargs options) {
             options["model"] = model;
             options["device"] = device;
             LiveOptions live;
             live.max_delay_s = max_delay_s;
             live.lookahead_s = lookahead_s;
             live.step_s = step_s;
             return std::make_unique<PyLiveSession>(OptionsOf(options), live);
           }),
           py::arg("model") = py::none(), py::arg("device") = "auto",
           py::arg("max_delay_s") = defaults.max_delay_s, py::arg("lookahead_s") = defaults.lookahead_s,
           py::arg("step_s") = defaults.step_s)
      .def("push", &PyLiveSession::Push)
      .def("finish", &PyLiveSession::Finish);
}

}  // namespace skald::python
