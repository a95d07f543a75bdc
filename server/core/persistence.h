// Snapshots of the server's data: at save points, on demand, before a stop; and loading one at
// start.
//
// One snapshot at a time, to `<dir>/<dbfilename>`; its format and guarantees are those of
// engine/persist/snapshot.h. SAVE and SHUTDOWN save one instant (they run under the gate), BGSAVE
// and save points save every key consistently but not all of them at one instant.
//
// Thread safety: every method may be called from any thread, unless it says otherwise. A
// background save has a thread of its own, and so has writing what FLUSHALL left; Stop() and the
// destructor end and join them.
// Ownership: refers to the SharedState it is part of.
// Invariants: at most one save runs at any time; the file is replaced whole or not at all, and
// never by a state older than the one it has, that of a flush included.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/persist/snapshot.h"
#include "server/core/core_group.h"

namespace mantis::server {

// What INFO persistence shows, by the names of its fields. Times in seconds, `_at` of the Unix
// epoch.
struct PersistenceInfo {
  bool loading = false;
  // While loading.
  int64_t loading_start_at = 0;
  uint64_t loading_total_bytes = 0;
  uint64_t loading_loaded_bytes = 0;
  double loading_loaded_perc = 0;
  int64_t loading_eta_seconds = 0;

  int64_t changes_since_last_save = 0;   // rdb_changes_since_last_save
  bool bgsave_in_progress = false;       // rdb_bgsave_in_progress
  int64_t last_save_at = 0;              // rdb_last_save_time; at first the start of the server
  bool last_bgsave_ok = true;            // rdb_last_bgsave_status: ok or err
  int64_t last_bgsave_sec = -1;          // rdb_last_bgsave_time_sec
  uint64_t current_save_keys = 0;        // current_save_keys_processed
  uint64_t current_save_keys_total = 0;  // about so many in all, 0 while nothing is saved
  int64_t current_bgsave_sec = -1;       // rdb_current_bgsave_time_sec
  int64_t saves = 0;                     // rdb_saves
  int64_t last_load_keys_loaded = 0;     // rdb_last_load_keys_loaded
  int64_t last_load_keys_expired = 0;    // rdb_last_load_keys_expired
};

class Persistence {
 public:
  explicit Persistence(SharedState& shared);
  ~Persistence();
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  // What went wrong, without an error code; nothing means success.
  using Error = std::optional<std::string>;

  // Reads the snapshot, if there is one, and resets the engine's counters, on a thread that has no
  // OpContext. Condition::kLoading holds meanwhile. After an error the server must not go on, or
  // what it could not read would be overwritten; the text names the file.
  [[nodiscard]] Error LoadAtStart();
  // Makes LoadAtStart return soon, with an error.
  void CancelLoading() { cancel_loading_.store(true); }

  // SAVE: writes the snapshot here and now. `alone` has the global gate.
  [[nodiscard]] Error Save(OpContext& alone);

  // DEBUG RELOAD: saves, empties the databases, and loads what was saved. `alone` as above.
  struct ReloadOptions {
    bool save = true;
    bool flush = true;
  };
  [[nodiscard]] Error Reload(OpContext& alone, const ReloadOptions& options);

  // BGSAVE: starts writing in the background.
  [[nodiscard]] Error StartBackgroundSave();

  // FLUSHALL, which has just emptied all databases and still has the gate: where there are save
  // points, the file is to be empty before the client hears of it, or a crash would bring the old
  // data back. Whether that worked is written to the log; as in Redis, the flush stands anyway.
  bool SavesByItself() const;
  // Does it here and now, while all others wait.
  void SaveFlushed();
  // Does it on another thread, which calls `done` then. Until then no other save begins.
  void SaveFlushed(std::function<void()> done);

  // Before the server stops: if `mode` and the save points say so, gives a background save up and
  // saves. After success Condition::kSealed holds: nothing is changed any more. After an error the
  // server is to go on. `alone` has the global gate; without it, the calling thread has no
  // OpContext, and the gate is waited for.
  [[nodiscard]] Error SaveBeforeStop(OpContext& alone, SaveOnStop mode);
  [[nodiscard]] Error SaveBeforeStop(SaveOnStop mode);

  // Gives a background save up. No more is to be started.
  void Stop();

  // Starts a background save when a save point is reached. About once a second, by one core.
  void Tick();

  bool background_save_running() const { return background_running_.load(); }
  // LASTSAVE.
  int64_t last_save_at() const;
  PersistenceInfo info() const;

 private:
  // A FLUSHALL whose empty snapshot is not written yet.
  struct Flush {
    int64_t number = 0;   // in the order of saves and flushes
    int64_t changes = 0;  // the engine's count then
    std::function<void()> done;
  };

  std::string path() const;
  bool Wanted(SaveOnStop mode) const;
  // Takes the right to save; false when it is taken, or a flush waits for it.
  bool Claim();
  // Takes it in any case, giving a background save up.
  void Seize();
  void Release();
  // With the right to save.
  Error SaveAlone(OpContext& alone);
  void RunInBackground();
  void FinishBackground(const persist::SaveResult& result, int64_t changes, int64_t number);
  void WriteEmpty(const Flush& flush);
  void RunFlushes();
  void JoinFlusher();

  // With mutex_ held.
  void NoteSaved(int64_t changes, int64_t number);
  void NoteFailed();
  void AddLoadingInfo(PersistenceInfo& info) const;

  SharedState& shared_;
  std::atomic<bool> background_running_{false};
  std::atomic<bool> cancel_{false};
  std::atomic<bool> cancel_loading_{false};
  persist::LoadProgress progress_;

  mutable std::mutex mutex_;  // guards all below; never held while saving
  bool saving_ = false;       // somebody has the right to save
  std::thread worker_;        // of the background save
  std::vector<Flush> flushes_;
  bool flushing_ = false;  // flusher_ runs
  std::thread flusher_;
  int64_t last_number_ = 0;    // given to a save when it began, or to a flush
  int64_t saved_number_ = 0;   // of the last save that succeeded
  int64_t saved_changes_ = 0;  // the engine's count as of that save, or as of the load
  PersistenceInfo info_;       // without what info() computes
  int64_t loading_started_ms_ = 0;
  int64_t background_started_ms_ = 0;
  std::atomic<uint64_t> keys_written_{0};  // by the background save under way
  int64_t last_attempt_ms_ = 0;
};

}  // namespace mantis::server
