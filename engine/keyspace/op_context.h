// What one thread needs to operate on the engine: its RCU attachment, the clock of the current
// batch, and what is to be cleaned up when the batch ends.
//
// Thread safety: one per thread, used by that thread only.
//
// A short batch is one read section. Begin with TryBegin(); when it fails, another thread has the
// global gate: wait outside and try again. Everything looked up stays valid until End().
//
// A long batch (BeginLong) takes turns with the gate (gate.h) and does not stay in one section, so
// that it does not hold back reclamation. Its thread leaves the section while it works under entry
// locks and enters it for whatever looks things up: KeyLocks and the methods of Database see to
// that (OutsideSection, InsideSection). So inside a long batch:
//  * What was looked up before locks were taken, or between two of them, is not valid once they
//    are: pointers to entries, blobs, positions in an index. Names are.
//  * An entry whose lock the thread holds is valid until it gives the lock back, and so is what its
//    value word points at. Nobody buries an entry whose word has the lock bit (Database::Bury needs
//    a bare kTomb or kNew), so nobody retires it; nobody replaces or deletes a locked value: every
//    change is a compare-and-swap against an unlocked word, expiry and eviction included, or is
//    made by the lock's holder, who retires what it replaced itself. FLUSHALL and SWAPDB pass
//    locks, but need the gate, which is closed only while no long batch is registered. For the same
//    reason a Database stays what and where it is until End().
//  * What the thread itself replaces or deletes under its lock is retired inside the method of
//    Database that does it. Who uses the old value after that opens an InsideSection around both.
//    Walks, which hold no locks, end the batch and begin another from time to time instead.
//  * What is to outlive that, is kept with Keep().
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/base/clock.h"
#include "engine/keyspace/place_hints.h"
#include "engine/reclaim/rcu.h"

namespace mantis {

class Blob;
class Database;
class Engine;
class Entry;

class OpContext {
 public:
  explicit OpContext(Engine& engine);
  ~OpContext();
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

  // Enters the read section and reads the clock. Returns false if the gate is closed; nothing was
  // entered.
  [[nodiscard]] bool TryBegin();
  // Begins a long batch; waits for its turn. Returns false if `give_up` became true first.
  [[nodiscard]] bool BeginLong(const std::atomic<bool>* give_up = nullptr);
  // Buries what the batch left as tombs, leaves the section, frees what is ripe.
  void End();
  bool in_batch() const { return in_batch_; }
  bool in_long_batch() const { return in_long_batch_; }
  // A long batch: keeps the blob until End(). A short batch need not: does nothing.
  void Keep(Blob* blob);

  // Closes the global gate and begins a batch that runs alone in the whole engine: every other
  // batch has ended, none begins until OpenGate(). A short batch of this thread ends first; not to
  // be called in a long one. Returns false if the gate is not to be had now: nothing has happened,
  // ask again soon. Waits for the other threads' current short batches.
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
  void NoteTomb(Database* db, Entry* entry) {
    const memory::MustSucceed must;
    tombs_.emplace_back(db, entry);
  }
  size_t tomb_count() const { return tombs_.size(); }

 private:
  friend class Engine;
  friend class InsideSection;
  friend class OutsideSection;
  void BuryTombs();
  void EnterSection() { section_.emplace(); }
  void LeaveSection();
  void ReleaseKept();

  Engine& engine_;
  reclaim::ThreadAttachment attachment_;
  std::optional<reclaim::ReadSection> section_;
  bool in_batch_ = false;
  bool in_long_batch_ = false;
  int64_t now_ms_ = 0;
  int lock_depth_ = 0;
  uint64_t random_state_;
  std::vector<std::pair<Database*, Entry*>> tombs_;
  PlaceHints places_;
  std::vector<Blob*> kept_;
  // The most memory seen in use since this thread last gave free pages back.
  int64_t used_peak_ = 0;
  int purges_left_ = 0;
};

// In a long batch, leaves the read section for this object's lifetime, unless that has been done or
// `leave` is false. The thread holds the locks of whatever it goes on using.
class OutsideSection {
 public:
  explicit OutsideSection(OpContext& ctx, bool leave = true)
      : ctx_(leave && ctx.in_long_batch_ && ctx.section_ ? &ctx : nullptr) {
    if (ctx_ != nullptr) ctx_->LeaveSection();
  }
  ~OutsideSection() {
    if (ctx_ != nullptr) ctx_->EnterSection();
  }
  OutsideSection(const OutsideSection&) = delete;
  OutsideSection& operator=(const OutsideSection&) = delete;

 private:
  OpContext* ctx_;
};

// The reverse, for look-ups: enters the section unless the thread is in it.
class InsideSection {
 public:
  explicit InsideSection(OpContext& ctx) : ctx_(ctx.section_ ? nullptr : &ctx) {
    if (ctx_ != nullptr) [[unlikely]]
      ctx_->EnterSection();
  }
  ~InsideSection() {
    if (ctx_ != nullptr) [[unlikely]]
      ctx_->LeaveSection();
  }
  InsideSection(const InsideSection&) = delete;
  InsideSection& operator=(const InsideSection&) = delete;

 private:
  OpContext* ctx_;
};

}  // namespace mantis
