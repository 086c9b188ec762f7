#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace skald {

/// What threads of the pipeline do.
enum class PipelineStage { kRead, kFeatures, kModel, kSearch, kDescribe, kWrite };
inline constexpr size_t kPipelineStages = 6;  ///< of them

/// "read", "features", "model", "search", "describe" or "write".
const char* StageName(PipelineStage stage);

/// What a group of threads did; seconds are sums over its threads.
struct WorkerOccupancy {
  std::string name;  ///< "readers", "cpu", "cpu search", "cuda:0", "cuda:0 search", "writers"
  int threads = 0;   ///< of the group
  std::array<double, kPipelineStages> busy_s{};  ///< by stage
  double waiting_for_input_s = 0;                ///< for what the stage before makes
  double waiting_for_room_s = 0;                 ///< behind it, in a queue or in memory of a device
  /// That the device worked for the group, by events; 0 for a CPU.
  double device_s = 0;

  double& busy(PipelineStage stage) { return busy_s[static_cast<size_t>(stage)]; }       ///< of one stage
  double busy(PipelineStage stage) const { return busy_s[static_cast<size_t>(stage)]; }  ///< of one stage
  double total_busy_s() const;                                                           ///< of all stages
  /// Of `wall_s`, how much its threads were busy on average, in [0, 1].
  double share(double wall_s) const;
};

/// How full a queue was.
struct QueueFill {
  std::string name;      ///< of the queue
  std::string unit;      ///< of what it holds
  double mean = 0;       ///< over time
  int64_t most = 0;      ///< at any time
  int64_t capacity = 0;  ///< whoever fills it waits from here on
};

/// Memory of a device that serves one purpose.
struct DeviceMemoryPart {
  int device = 0;          ///< its number
  std::string purpose;     ///< what it is for
  int64_t bytes = 0;       ///< at the end of the run
  int64_t most_bytes = 0;  ///< ever
};

/// Where the time of a run went.
struct PipelineReport {
  int64_t files = 0;         ///< with a result
  int64_t files_failed = 0;  ///< of them
  double audio_s = 0;        ///< that went through the acoustic model, overlap of windows included
  double wall_s = 0;         ///< from the first input to the last result
  double processor_s = 0;    ///< of the whole process
  std::vector<WorkerOccupancy> workers;         ///< every group of threads
  std::vector<QueueFill> queues;                ///< every queue between them
  std::vector<DeviceMemoryPart> device_memory;  ///< by device, largest first
  /// Devices that failed, with the reason; others did their work.
  std::vector<std::string> notes;

  /// Seconds of audio in a second.
  double times_real_time() const { return wall_s > 0 ? audio_s / wall_s : 0; }
  /// Of all workers.
  double busy_s(PipelineStage stage) const;
};

}  // namespace skald
