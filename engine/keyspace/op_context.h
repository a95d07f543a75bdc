// What one thread needs to operate on the engine: its RCU attachment, the clock of the current
// batch, and what is to be cleaned up when the batch ends.
//
// Thread safety: one per thread, used by that thread only.
// A batch is one read section. Begin with TryBegin(); when it fails, another thread holds or wants
// the global gate: wait outside and try again. Everything looked up stays valid until End().
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/keyspace/place_hints.h"
#include "engine/reclaim/rcu.h"

namespace mantis {

class Database;
class Engine;
class Entry;

class OpContext {
 public:
  explicit OpContext(Engine& engine);
  ~OpContext();
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

  // Enters the read section and reads the clock. False: the gate is closed; nothing was entered.
  [[nodiscard]] bool TryBegin();
  // Buries what the batch left as tombs, leaves the section, frees what is ripe.
  void End();
  bool in_batch() const { return section_.has_value(); }

  // Closes the global gate and begins a batch that runs alone in the whole engine: every other
  // batch has ended, none begins until OpenGate(). False: another thread has the gate. Must not be
  // called inside a batch. Waits for the other threads' current batches.
  [[nodiscard]] bool TryCloseGate();
  // Ends the batch and lets the others in again.
  void OpenGate();

  Engine& engine() { return engine_; }
  int64_t now_ms() const { return now_ms_; }
  void RefreshClock() { now_ms_ = WallClockMs(); }
  // True while this thread holds KeyLocks on every key it touches, or the gate.
  bool holds_locks() const { return lock_depth_ != 0; }
  // True while this thread holds the gate.
  bool alone() const;
  void AdjustLockDepth(int delta) { lock_depth_ += delta; }
  // CLIENT NO-TOUCH: look-ups leave the access clock alone.
  bool no_touch = false;

  // Where keys that this batch is likely to create belong in their ordered index.
  PlaceHints& places() { return places_; }

  // xorshift64*, for sampling; never 0.
  uint64_t& random_state() { return random_state_; }

  // Remembers an entry that became absent, to be unlinked at the end of the batch.
  void NoteTomb(Database* db, Entry* entry) { tombs_.emplace_back(db, entry); }
  size_t tomb_count() const { return tombs_.size(); }

 private:
  friend class Engine;
  void BuryTombs();

  Engine& engine_;
  reclaim::ThreadAttachment attachment_;
  std::optional<reclaim::ReadSection> section_;
  int64_t now_ms_ = 0;
  int lock_depth_ = 0;
  uint64_t random_state_;
  std::vector<std::pair<Database*, Entry*>> tombs_;
  PlaceHints places_;
  // The most memory seen in use since this thread last gave free pages back.
  int64_t used_peak_ = 0;
  int purges_left_ = 0;
};

}  // namespace mantis
