// Who waits for a key that another thread has locked for long: parked here, and woken when the lock
// is given back, so that waiting costs nothing meanwhile.
//
// An attempt that meets a lock spins for some microseconds (Entry::AwaitUnlocked), then notes the
// entry and fails with kBusy, having changed nothing. Whoever made the attempt parks itself on the
// entry that was noted, inside the same read section (a long batch has several: leaving one forgets
// the entry), and makes the attempt again once it is woken.
//
// No wake-up is lost. Park first counts itself and enters the table, then looks whether the entry
// is still locked; Entry::Unlock first clears the bit, then looks at the count. All four are
// seq_cst, so one of the two sees the other: either Park finds the entry free and withdraws, or the
// unlocking thread finds somebody parked and looks into the table, the mutex of which has been held
// by Park before. Who is woken may find that another thread has taken the lock again, and parks
// again. No entry in the table is freed: it is locked as long as somebody is parked on it, and who
// clears the bit takes all out of the table before it leaves its read section.
//
// Thread safety: any thread. Cost while nobody is parked: one load of a line that nobody writes for
// each Unlock. Somebody parked: a look into one of 64 shards.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace mantis {

class Entry;

class LockWaiters {
 public:
  // Called once, on the thread that gave the lock back, inside its batch and maybe with other locks
  // in its hands: it hands work over and neither waits nor touches keys.
  using Wake = std::function<void()>;

  // Before an attempt: forgets what this thread's earlier attempts have met.
  static void ForgetObstacle() { obstacle_ = nullptr; }
  static void NoteObstacle(const Entry* e) { obstacle_ = e; }
  // After it has failed, in the same read section. False: no lock was in the way, or it is free
  // again; the caller makes its attempt again, and `wake` is not called.
  [[nodiscard]] static bool Park(Wake wake);

  // Somebody is parked on the entry, or on one of its shard: no use to spin.
  static bool Crowded(const Entry* e);
  static size_t parked() { return parked_.load(std::memory_order_relaxed); }

 private:
  friend class Entry;
  static void AfterUnlock(const Entry* e) {
    if (parked_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
      WakeAll(e);
  }
  static void WakeAll(const Entry* e);

  static inline constinit thread_local const Entry* obstacle_ = nullptr;
  alignas(64) static inline std::atomic<uint64_t> parked_{0};
};

}  // namespace mantis
