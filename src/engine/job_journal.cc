#include "engine/job_journal.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <sys/stat.h>
#include <unordered_map>
#include <utility>

#include "base/file_lock.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

constexpr char kSchema[] = R"(
CREATE TABLE IF NOT EXISTS job(version INTEGER NOT NULL, options TEXT NOT NULL, since_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS workers(id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stem TEXT NOT NULL,
  bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,
  worker INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', outputs TEXT NOT NULL DEFAULT '',
  audio_s REAL NOT NULL DEFAULT 0, wall_s REAL NOT NULL DEFAULT 0, finished_ms INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS files_by_state ON files(state);
)";
constexpr int64_t kVersion = 1;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string JournalFolder(const std::string& folder) { return folder + "/.skald"; }
std::string DatabasePath(const std::string& folder) { return JournalFolder(folder) + "/jobs.sqlite"; }

/// What tells whether an input is still the same; -1 for what is no file.
struct FileVersion {
  int64_t bytes = -1;
  int64_t modified_ns = -1;
  bool operator==(const FileVersion&) const = default;
};

FileVersion VersionOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return {info.st_size, int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  return lines;
}

StatusOr<JobSummary> Summarise(SqliteDatabase* database) {
  JobSummary summary;
  SKALD_RETURN_IF_ERROR(database->Run("SELECT state, count(*), sum(audio_s) FROM files GROUP BY state",
                                      [&](const SqliteRow& row) {
                                        const int64_t count = row.Integer(1);
                                        switch (static_cast<JobState>(row.Integer(0))) {
                                          case JobState::kWaiting:
                                            summary.waiting = count;
                                            break;
                                          case JobState::kRunning:
                                            summary.running = count;
                                            break;
                                          case JobState::kDone:
                                            summary.done = count;
                                            summary.audio_s = row.Real(2);
                                            break;
                                          case JobState::kFailed:
                                            summary.failed = count;
                                            break;
                                        }
                                      }));
  SKALD_RETURN_IF_ERROR(
      database->Run("SELECT count(*), max(finished_ms) - min(since_ms), sum(audio_s) FROM files, job"
                    " WHERE finished_ms >= since_ms AND state >= 2",
                    [&](const SqliteRow& row) {
                      if (row.Integer(0) == 0) return;
                      summary.span_files = row.Integer(0);
                      summary.span_s = static_cast<double>(row.Integer(1)) / 1000;
                      summary.span_audio_s = row.Real(2);
                    }));
  SKALD_RETURN_IF_ERROR(database->Run("SELECT path, reason FROM files WHERE state = 3 ORDER BY path",
                                      [&](const SqliteRow& row) {
                                        summary.failures.push_back({row.Text(0), row.Text(1)});
                                      }));
  return summary;
}

}  // namespace

struct JobJournal::State {
  State(std::string folder_in, SqliteDatabase database_in)
      : folder(std::move(folder_in)), database(std::move(database_in)) {}
  ~State() {
    if (worker == 0) return;
    (void)database.Run("UPDATE files SET state = 0, worker = 0 WHERE worker = ? AND state = 1", {}, worker);
    (void)database.Run("DELETE FROM workers WHERE id = ?", {}, worker);
    ::unlink(LockPath(worker).c_str());
  }

  std::string LockPath(int64_t id) const {
    return JournalFolder(folder) + "/worker-" + std::to_string(id) + ".lock";
  }

  Status Enlist();
  Status Reap(bool* others_live);
  Status ForgetParts(const std::string& stem, int64_t pid) const;
  Status StartOver(const std::vector<JobFile>& files, const std::string& options);
  Status Enter(const std::vector<JobFile>& files, Redo redo);
  Status CollectWaiting();

  const std::string folder;
  std::mutex mutex;  // guards everything below
  SqliteDatabase database;
  int64_t worker = 0;
  std::optional<FileLock> lock;
  std::unordered_map<std::string, int64_t> ids;  // of the files given to Open, by path
  std::vector<int64_t> order;                    // their ids
  std::vector<int64_t> waiting;                  // of these, those that were waiting when last looked
  size_t next = 0;
};

/// Takes a number and the lock that says that this process lives; nobody sees the one without the other.
Status JobJournal::State::Enlist() {
  return database.Write([&]() -> Status {
    SKALD_RETURN_IF_ERROR(
        database.Run("INSERT INTO workers(pid) VALUES(?)", {}, static_cast<int64_t>(::getpid())));
    worker = database.last_insert_id();
    SKALD_ASSIGN_OR_RETURN(lock, FileLock::Acquire(LockPath(worker)));
    return Status::Ok();
  });
}

/// Gives back what dead processes had claimed, and removes what they were writing.
Status JobJournal::State::Reap(bool* others_live) {
  std::vector<std::pair<int64_t, int64_t>> workers;  // id, pid
  SKALD_RETURN_IF_ERROR(database.Run(
      "SELECT id, pid FROM workers WHERE id != ?",
      [&](const SqliteRow& row) { workers.emplace_back(row.Integer(0), row.Integer(1)); }, worker));
  *others_live = false;
  for (const std::pair<int64_t, int64_t>& other : workers) {
    const int64_t id = other.first, pid = other.second;
    SKALD_ASSIGN_OR_RETURN(const std::optional<FileLock> dead, FileLock::TryAcquire(LockPath(id)));
    if (!dead) {
      *others_live = true;
      continue;
    }
    std::vector<std::string> stems;
    SKALD_RETURN_IF_ERROR(database.Run(
        "SELECT stem FROM files WHERE worker = ? AND state = 1",
        [&](const SqliteRow& row) { stems.push_back(row.Text(0)); }, id));
    for (const std::string& stem : stems) SKALD_RETURN_IF_ERROR(ForgetParts(stem, pid));
    SKALD_RETURN_IF_ERROR(database.Write([&]() -> Status {
      SKALD_RETURN_IF_ERROR(
          database.Run("UPDATE files SET state = 0, worker = 0 WHERE worker = ? AND state = 1", {}, id));
      return database.Run("DELETE FROM workers WHERE id = ?", {}, id);
    }));
    ::unlink(LockPath(id).c_str());
  }
  return Status::Ok();
}

/// Removes the temporary files (AtomicFile) of a process beside the outputs of an input.
Status JobJournal::State::ForgetParts(const std::string& stem, int64_t pid) const {
  const fs::path place = fs::path(folder) / stem;
  const std::string mark = ".part-" + std::to_string(pid) + "-";
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(place.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(place.filename().string()) && name.find(mark) != name.npos) {
      fs::remove(entry.path(), error);
    }
  }
  return Status::Ok();
}

/// Other options: what was done counts no more.
Status JobJournal::State::StartOver(const std::vector<JobFile>& files, const std::string& options) {
  return database.Write([&]() -> Status {
    SKALD_RETURN_IF_ERROR(database.Execute("DELETE FROM job; UPDATE files SET state = -1;"));
    for (const JobFile& file : files) {
      SKALD_RETURN_IF_ERROR(
          database.Run("UPDATE files SET state = 0, finished_ms = 0 WHERE path = ?", {}, file.path));
    }
    SKALD_RETURN_IF_ERROR(database.Execute("DELETE FROM files WHERE state = -1"));
    return database.Run("INSERT INTO job VALUES(?, ?, ?)", {}, kVersion, options, NowMs());
  });
}

Status JobJournal::State::Enter(const std::vector<JobFile>& files, Redo redo) {
  struct Known {
    int64_t id = 0;
    FileVersion version;
    JobState state = JobState::kWaiting;
    std::string outputs;
  };
  return database.Write([&]() -> Status {
    for (const JobFile& file : files) {
      const FileVersion version = VersionOf(file.path);
      Known known;
      SKALD_RETURN_IF_ERROR(database.Run(
          "SELECT id, bytes, modified_ns, state, outputs FROM files WHERE path = ?",
          [&](const SqliteRow& row) {
            known = {row.Integer(0),
                     {row.Integer(1), row.Integer(2)},
                     static_cast<JobState>(row.Integer(3)),
                     row.Text(4)};
          },
          file.path));
      if (known.id == 0) {
        SKALD_RETURN_IF_ERROR(
            database.Run("INSERT INTO files(path, stem, bytes, modified_ns) VALUES(?, ?, ?, ?)", {},
                         file.path, file.output_stem, version.bytes, version.modified_ns));
        known.id = database.last_insert_id();
      }
      bool again = known.state != JobState::kRunning &&
                   (redo == Redo::kAll || known.version != version || version == FileVersion());
      again = again || (known.state == JobState::kFailed && redo == Redo::kFailed);
      if (known.state == JobState::kDone && !again) {
        for (const std::string& output : Lines(known.outputs)) {
          std::error_code error;
          again = again || !fs::exists(fs::path(folder) / output, error);
        }
      }
      if (again) {
        SKALD_RETURN_IF_ERROR(database.Run(
            "UPDATE files SET state = 0, stem = ?, bytes = ?, modified_ns = ?, reason = '' WHERE id = ?", {},
            file.output_stem, version.bytes, version.modified_ns, known.id));
      }
      if (ids.emplace(file.path, known.id).second) order.push_back(known.id);
    }
    return Status::Ok();
  });
}

Status JobJournal::State::CollectWaiting() {
  std::unordered_map<int64_t, bool> is_waiting;
  SKALD_RETURN_IF_ERROR(database.Run("SELECT id FROM files WHERE state = 0",
                                     [&](const SqliteRow& row) { is_waiting[row.Integer(0)] = true; }));
  waiting.clear();
  next = 0;
  for (const int64_t id : order) {
    if (is_waiting.contains(id)) waiting.push_back(id);
  }
  return Status::Ok();
}

StatusOr<std::unique_ptr<JobJournal>> JobJournal::Open(const std::string& folder,
                                                       const std::vector<JobFile>& files,
                                                       const std::string& options, Redo redo) {
  std::error_code error;
  fs::create_directories(JournalFolder(folder), error);
  if (error) return Status::Io(error.message()).InFile(JournalFolder(folder));
  // One process at a time enters: who is second finds the job of the first, not half of it.
  SKALD_ASSIGN_OR_RETURN(const FileLock entrance, FileLock::Acquire(JournalFolder(folder) + "/open.lock"));
  SKALD_ASSIGN_OR_RETURN(SqliteDatabase database, SqliteDatabase::Open(DatabasePath(folder), true));
  auto state = std::make_unique<State>(folder, std::move(database));
  SKALD_RETURN_IF_ERROR(state->database.Execute(kSchema));
  SKALD_RETURN_IF_ERROR(state->Enlist());
  bool others_live = false;
  SKALD_RETURN_IF_ERROR(state->Reap(&others_live));

  std::optional<std::string> known_options;
  int64_t version = kVersion;
  SKALD_RETURN_IF_ERROR(state->database.Run("SELECT version, options FROM job", [&](const SqliteRow& row) {
    version = row.Integer(0);
    known_options = row.Text(1);
  }));
  if (version != kVersion) {
    return Status::Unsupported("the journal is of version " + std::to_string(version))
        .InFile(DatabasePath(folder));
  }
  if (known_options != options) {
    if (others_live) {
      return Status::InvalidArgument("another process is at work in this folder with other options")
          .InFile(folder);
    }
    SKALD_RETURN_IF_ERROR(state->StartOver(files, options));
  } else if (!others_live) {
    SKALD_RETURN_IF_ERROR(state->database.Run("UPDATE job SET since_ms = ?", {}, NowMs()));
  }
  SKALD_RETURN_IF_ERROR(state->Enter(files, redo));
  SKALD_RETURN_IF_ERROR(state->CollectWaiting());
  return std::unique_ptr<JobJournal>(new JobJournal(std::move(state)));
}

JobJournal::JobJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
JobJournal::~JobJournal() = default;

StatusOr<std::optional<JobFile>> JobJournal::Claim() {
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  for (;;) {
    while (state.next < state.waiting.size()) {
      const int64_t id = state.waiting[state.next++];
      std::optional<JobFile> file;
      SKALD_RETURN_IF_ERROR(state.database.Run(
          "UPDATE files SET state = 1, worker = ? WHERE id = ? AND state = 0 RETURNING path, stem",
          [&](const SqliteRow& row) {
            file = JobFile{row.Text(0), row.Text(1)};
          },
          state.worker, id));
      if (file) return file;
    }
    bool others_live = false;
    SKALD_RETURN_IF_ERROR(state.Reap(&others_live));
    SKALD_RETURN_IF_ERROR(state.CollectWaiting());
    if (state.waiting.empty()) return std::optional<JobFile>();
  }
}

Status JobJournal::Finish(const JobFile& file, const JobOutcome& outcome) {
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  std::string outputs;
  for (const std::string& output : outcome.outputs) outputs += output + "\n";
  const JobState result = outcome.status.ok() ? JobState::kDone : JobState::kFailed;
  return state.database.Run(
      "UPDATE files SET state = ?, worker = 0, reason = ?, outputs = ?, audio_s = ?, wall_s = ?, finished_ms "
      "= ?"
      " WHERE path = ?",
      {}, static_cast<int64_t>(result), outcome.status.ok() ? std::string() : outcome.status.ToString(),
      outputs, outcome.audio_s, outcome.wall_s, NowMs(), file.path);
}

StatusOr<JobSummary> JobJournal::Summary() {
  std::lock_guard lock(state_->mutex);
  return Summarise(&state_->database);
}

StatusOr<JobSummary> JobJournal::ReadSummary(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(DatabasePath(folder), error)) {
    return Status::NotFound("no job was ever begun in this folder").InFile(folder);
  }
  SKALD_ASSIGN_OR_RETURN(SqliteDatabase database, SqliteDatabase::Open(DatabasePath(folder), false));
  return Summarise(&database);
}

}  // namespace skald
