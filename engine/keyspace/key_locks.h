// Locks on several keys at once, for commands that change more than one (MSET, RENAME, MOVE…) and
// for transactions.
//
// Acquire() finds or creates the entries, sorts them, and sets the lock bit of each value word; if
// one is taken it gives all back and, after a few rounds, answers kBusy, so nobody ever waits with
// a lock in hand and there is no deadlock. While held, this thread's operations on these keys pass
// (OpContext::holds_locks); everybody else's wait or are told kBusy. Readers wait too, which makes
// the whole commit visible at once.
//
// In a long batch the thread leaves the read section until Release().
//
// Thread safety: belongs to the thread of its OpContext. Lifetime: within one batch.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/keyspace/database.h"

namespace mantis {

class KeyLocks {
 public:
  explicit KeyLocks(OpContext& ctx) : ctx_(ctx) {}
  ~KeyLocks() { Release(); }
  KeyLocks(const KeyLocks&) = delete;
  KeyLocks& operator=(const KeyLocks&) = delete;

  using Target = std::pair<Database*, KeyRef>;
  // kOk or kBusy. Keys may repeat. A no-op if the context already holds locks (a command inside a
  // transaction that locked its keys, or under the gate).
  Status Acquire(std::span<const Target> keys);
  void Release();

 private:
  const Entry* TryAll(std::span<const Target> keys);
  void UnlockAll();

  OpContext& ctx_;
  std::vector<std::pair<Entry*, Database*>> held_;
  bool counted_ = false;
  std::optional<OutsideSection> outside_;
};

}  // namespace mantis
