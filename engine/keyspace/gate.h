// The gate: lets one thread be alone in the engine, for what cannot name the keys it touches.
//
// Three kinds of users take turns.
//  * Short batches (OpContext::TryBegin), one read section each. They look at the owner after they
//    have entered their section; whoever closes the gate sets the owner, then waits for a grace
//    period. So each batch either is waited for or sees the gate closed.
//  * Long batches (OpContext::BeginLong): commands on worker threads, slices of a snapshot. They
//    may be outside of any read section while they hold entry locks, and the owner of the gate
//    passes every lock; so they register, and the gate is closed only while none is registered.
//  * Those that want the gate. A request that cannot be granted is remembered until it is made
//    again, or for kRequestUs if that never happens.
//
// Fairness. While a request is remembered no new long batch begins, so it waits for those under way
// and no others. When the gate opens, all long batches that are waiting by then begin at once,
// before the next request is granted. So either side waits for one turn of the other. Requests are
// granted in any order, but one that is older than kPatienceUs before all others. Short batches
// that were refused have at least kOpenUs before the gate is closed again.
//
// Thread safety: any thread. Nobody waits with a read section or a lock in hand. The mutex is held
// for a few instructions only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace mantis {

class OpContext;

class Gate {
 public:
  // For a short batch, inside its read section.
  bool ClosedTo(const OpContext* self) {
    const OpContext* owner = owner_.load(std::memory_order_seq_cst);
    if (owner == nullptr || owner == self) [[likely]]
      return false;
    // Relaxed: a hint for the next request.
    refused_.store(true, std::memory_order_relaxed);
    return true;
  }
  bool OwnedBy(const OpContext* self) const {
    return owner_.load(std::memory_order_relaxed) == self;
  }

  // Registers a long batch; waits for its turn. Returns false if `give_up` (which may be nullptr)
  // became true first.
  [[nodiscard]] bool EnterLong(const std::atomic<bool>* give_up);
  void LeaveLong();

  // Closes the gate for `who`, who then waits for a grace period. Returns false, without having
  // waited, if it is not to be had now: `who` is to ask again soon, and has a place among those who
  // wait until then.
  [[nodiscard]] bool TryClose(OpContext* who);
  void Open();

 private:
  static constexpr int64_t kRequestUs = 20'000;
  static constexpr int64_t kPatienceUs = 5'000;
  static constexpr int64_t kOpenUs = 100;

  struct Request {
    const OpContext* who;
    int64_t since_us;
    int64_t until_us;
  };

  // With the mutex held.
  void DropOldRequests(int64_t now_us);
  void RememberRequest(const OpContext* who, int64_t now_us);
  void ForgetRequest(const OpContext* who);
  bool MayClose(const OpContext* who, int64_t now_us) const;

  // nullptr: open. seq_cst on both sides, see above. Written with the mutex held.
  alignas(128) std::atomic<OpContext*> owner_{nullptr};
  std::atomic<bool> refused_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable turn_;
  std::vector<Request> requests_;  // oldest first
  size_t running_ = 0;             // long batches registered
  size_t waiting_ = 0;             // long batches that wait
  uint64_t turns_ = 0;             // how often the gate was opened
  int64_t opened_us_ = 0;
};

}  // namespace mantis
