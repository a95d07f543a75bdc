// Snapshots of the server's data: at save points, on demand, at stop; and loading one at start.
//
// One snapshot at a time, to `<dir>/<dbfilename>`; its format and guarantees are those of
// engine/persist/snapshot.h. SAVE and SHUTDOWN save one instant (they run under the gate), BGSAVE
// and save points save every key consistently but not all of them at one instant.
//
// Thread safety: every method may be called from any thread, unless it says otherwise. A
// background save has a thread of its own, which the destructor stops and joins.
// Ownership: refers to the SharedState it is part of.
// Invariant: at most one save runs at any time; the file is replaced whole or not at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/core/core_group.h"

namespace mantis::persist {
struct SaveResult;
}

namespace mantis::server {

// What INFO persistence shows, by the names of its fields. Times in seconds, `_at` of the Unix
// epoch.
struct PersistenceInfo {
  bool loading = false;
  int64_t changes_since_last_save = 0;  // rdb_changes_since_last_save
  bool bgsave_in_progress = false;      // rdb_bgsave_in_progress
  int64_t last_save_at = 0;             // rdb_last_save_time; at first the start of the server
  bool last_bgsave_ok = true;           // rdb_last_bgsave_status: ok or err
  int64_t last_bgsave_sec = -1;         // rdb_last_bgsave_time_sec
  int64_t current_bgsave_sec = -1;      // rdb_current_bgsave_time_sec
  int64_t saves = 0;                    // rdb_saves
  int64_t last_load_keys_loaded = 0;    // rdb_last_load_keys_loaded
  int64_t last_load_keys_expired = 0;   // rdb_last_load_keys_expired
};

class Persistence {
 public:
  explicit Persistence(SharedState& shared);
  ~Persistence();
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  // What went wrong, without an error code; nothing means success.
  using Error = std::optional<std::string>;

  // Reads the snapshot, if there is one, and resets the engine's counters. Before any client is
  // served, on a thread that has no OpContext. After an error the server must not start, or what
  // it could not read would be overwritten; the text names the file.
  [[nodiscard]] Error LoadAtStart();

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

  // The command SHUTDOWN, before it calls RequestStop with the same `mode`: if that and the save
  // points say so, gives a background save up and saves. `alone` has the global gate. After an
  // error the server is to go on.
  [[nodiscard]] Error SaveBeforeShutdown(OpContext& alone, SaveOnStop mode);

  // The last step of a stop: gives a background save up and saves if `mode` and the save points
  // say so, unless nothing has changed since SaveBeforeShutdown. No other thread is in a batch or
  // has the gate; the calling thread is in no batch.
  [[nodiscard]] Error SaveAtStop(SaveOnStop mode);

  // Starts a background save when a save point is reached. About once a second, by one core.
  void Tick();

  bool background_save_running() const { return background_running_.load(); }
  // LASTSAVE.
  int64_t last_save_at() const;
  PersistenceInfo info() const;

 private:
  // The state of the data at some moment, to tell later whether it has changed.
  struct Mark {
    int64_t changes = 0;                     // see CountChanges
    std::vector<const Database*> databases;  // never dereferenced; flushing and swapping show
  };

  std::string path() const;
  bool Wanted(SaveOnStop mode) const;
  // Takes the right to save; false when it is taken.
  bool Claim() { return !saving_.exchange(true); }
  // Takes it in any case, giving a background save up.
  void ClaimForStop();
  void Release() { saving_.store(false); }
  // With the right to save.
  Error SaveAlone(OpContext& alone);
  void RunInBackground();
  void FinishBackground(const persist::SaveResult& result, const Mark& mark);

  // With mutex_ held.
  int64_t CountChanges() const;
  Mark MarkNow() const;
  int64_t ChangesSince(const Mark& mark) const;
  void NoteSaved(const Mark& mark);

  SharedState& shared_;
  std::atomic<bool> saving_{false};  // somebody has the right to save
  std::atomic<bool> background_running_{false};
  std::atomic<bool> cancel_{false};
  std::atomic<bool> loading_{false};

  mutable std::mutex mutex_;  // guards all below; never held while saving
  std::thread worker_;
  Mark saved_;  // as of the last successful save, or of the load
  bool saved_for_shutdown_ = false;
  PersistenceInfo info_;  // without what info() computes
  int64_t background_started_ms_ = 0;
  int64_t last_attempt_ms_ = 0;
  // The engine's count of changes goes back to zero with CONFIG RESETSTAT: what it had before, and
  // where it was last seen.
  mutable int64_t changes_before_reset_ = 0;
  mutable int64_t changes_seen_ = 0;
};

}  // namespace mantis::server
