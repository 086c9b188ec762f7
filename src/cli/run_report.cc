#include "cli/run_report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "engine/device_list.h"

namespace skald::cli {
namespace {

double Rounded(double value) { return std::round(value * 1000.0) / 1000.0; }

constexpr PipelineStage kStages[] = {PipelineStage::kRead,   PipelineStage::kFeatures, PipelineStage::kModel,
                                     PipelineStage::kSearch, PipelineStage::kDescribe, PipelineStage::kWrite};

}  // namespace

nlohmann::ordered_json ReportAsJson(const PipelineReport& report) {
  nlohmann::ordered_json json = {{"files", report.files},
                                 {"files_failed", report.files_failed},
                                 {"audio_s", Rounded(report.audio_s)},
                                 {"wall_s", Rounded(report.wall_s)},
                                 {"times_real_time", Rounded(report.times_real_time())},
                                 {"processor_s", Rounded(report.processor_s)},
                                 {"workers", nlohmann::ordered_json::array()},
                                 {"queues", nlohmann::ordered_json::array()}};
  for (const WorkerOccupancy& worker : report.workers) {
    nlohmann::ordered_json busy = nlohmann::ordered_json::object();
    for (const PipelineStage stage : kStages) {
      if (worker.busy(stage) > 0) busy[StageName(stage)] = Rounded(worker.busy(stage));
    }
    json["workers"].push_back({{"name", worker.name},
                               {"threads", worker.threads},
                               {"busy_share", Rounded(worker.share(report.wall_s))},
                               {"busy_s", std::move(busy)},
                               {"device_s", Rounded(worker.device_s)},
                               {"waiting_for_input_s", Rounded(worker.waiting_for_input_s)},
                               {"waiting_for_room_s", Rounded(worker.waiting_for_room_s)}});
  }
  for (const QueueFill& queue : report.queues) {
    json["queues"].push_back({{"name", queue.name},
                              {"unit", queue.unit},
                              {"mean", Rounded(queue.mean)},
                              {"most", queue.most},
                              {"capacity", queue.capacity}});
  }
  json["device_memory"] = nlohmann::ordered_json::array();
  for (const DeviceMemoryPart& part : report.device_memory) {
    json["device_memory"].push_back({{"device", DeviceName(part.device)},
                                     {"purpose", part.purpose},
                                     {"bytes", part.bytes},
                                     {"most_bytes", part.most_bytes}});
  }
  json["notes"] = report.notes;
  return json;
}

std::string ReportAsText(const PipelineReport& report) {
  std::string text = fmt::format("  {:<14} {:>7} {:>6} {:>15} {:>15}  {}\n", "workers", "threads", "busy",
                                 "wait for input", "wait for room", "seconds of each stage");
  for (const WorkerOccupancy& worker : report.workers) {
    text +=
        fmt::format("  {:<14} {:>7} {:>4.0f} % {:>13.2f} s {:>13.2f} s ", worker.name, worker.threads,
                    100 * worker.share(report.wall_s), worker.waiting_for_input_s, worker.waiting_for_room_s);
    for (const PipelineStage stage : kStages) {
      if (worker.busy(stage) > 0) text += fmt::format(" {} {:.2f}", StageName(stage), worker.busy(stage));
    }
    text += "\n";
  }
  for (const QueueFill& queue : report.queues) {
    text += fmt::format("  {:<26} mean {:.1f}, most {} of {} {}\n", queue.name, queue.mean, queue.most,
                        queue.capacity, queue.unit);
  }
  for (const DeviceMemoryPart& part : report.device_memory) {
    text +=
        fmt::format("  {:<7} {:<34} {:>9.1f} MB, at most {:.1f} MB\n", DeviceName(part.device), part.purpose,
                    static_cast<double>(part.bytes) / 1e6, static_cast<double>(part.most_bytes) / 1e6);
  }
  return text;
}

std::string ReportInShort(const PipelineReport& report) {
  std::string text =
      fmt::format("{} files, {:.0f} s of audio in {:.1f} s, {:.0f} x real time, {:.1f} files/s", report.files,
                  report.audio_s, report.wall_s, report.times_real_time(),
                  static_cast<double>(report.files) / std::max(1e-9, report.wall_s));
  const auto busiest = std::max_element(report.workers.begin(), report.workers.end(),
                                        [&](const WorkerOccupancy& a, const WorkerOccupancy& b) {
                                          return a.share(report.wall_s) < b.share(report.wall_s);
                                        });
  if (busiest != report.workers.end()) {
    text += fmt::format("; busiest: {} at {:.0f} %", busiest->name, 100 * busiest->share(report.wall_s));
  }
  return text;
}

}  // namespace skald::cli
