#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "base/status.h"

namespace skald {

/// A file of a job: where it is, and the name of its outputs below the job's folder, without an ending.
struct JobFile {
  std::string path;
  std::string output_stem;
};

enum class JobState { kWaiting = 0, kRunning = 1, kDone = 2, kFailed = 3 };

/// What became of a file.
struct JobOutcome {
  Status status;                     ///< why it failed, else ok
  std::vector<std::string> outputs;  ///< files written, below the job's folder
  double audio_s = 0;
  double wall_s = 0;
};

struct JobFailure {
  std::string path;
  std::string reason;
};

/// How far a job is.
struct JobSummary {
  int64_t waiting = 0;
  int64_t running = 0;
  int64_t done = 0;
  int64_t failed = 0;
  double audio_s = 0;  ///< of the files done
  /// Seconds from the first to the last file finished since the job was taken up last; 0 before two are.
  double span_s = 0;
  double span_audio_s = 0;  ///< finished in these
  int64_t span_files = 0;
  std::vector<JobFailure> failures;

  int64_t files() const { return waiting + running + done + failed; }
};

/// What a job has to do and has done, in a database in the job's output folder, so that a job that was
/// interrupted at any moment goes on where it stood. Several processes may work on one job: each file is
/// claimed by one of them, and what a dead process had claimed goes back. A process holds a lock on a file
/// while it lives; the system gives it up however the process ends.
///
/// Thread safe. A file's outputs are written before it is finished here, so one that was interrupted in
/// between is done again.
class JobJournal {
 public:
  /// What to do with files that the journal knows already.
  enum class Redo { kNothing, kFailed, kAll };

  /// Opens the journal of `folder`, making both where they do not exist, and enters `files`. Files are done
  /// again where their size or modification time changed, or an output is missing, or `redo` says so; all
  /// where `options`, a description of everything that affects outputs, differs from the last time. Fails
  /// with kInvalidArgument where another process is at work with other options, and as SqliteDatabase does.
  static StatusOr<std::unique_ptr<JobJournal>> Open(const std::string& folder,
                                                    const std::vector<JobFile>& files,
                                                    const std::string& options, Redo redo);
  ~JobJournal();

  /// Takes the next of the files given to Open that nobody has; nothing where none is left. Files of dead
  /// processes are taken when no others are left.
  StatusOr<std::optional<JobFile>> Claim();
  Status Finish(const JobFile& file, const JobOutcome& outcome);

  StatusOr<JobSummary> Summary();
  /// The state of a job without taking part in it; kNotFound where `folder` has no journal.
  static StatusOr<JobSummary> ReadSummary(const std::string& folder);

 private:
  struct State;
  explicit JobJournal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
