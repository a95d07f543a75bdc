// Reclamation: user-space read-copy-update on libcds, the only place that attaches threads, waits
// for grace periods and frees memory that lock-free readers may still look at.
//
// A thread reads shared structures inside a ReadSection. What a writer unlinks it hands to
// Retire(), which never waits: the pointer joins this thread's current batch. When the batch is
// large enough it is sealed with a grace-period number, and once a grace period that began after
// the sealing has ended, the retiring thread itself frees the batch in Poll(). One background
// thread does all the waiting; it also frees the batches of threads that have ended, or that are
// about to wait or to work for long without reading and have handed theirs over.
//
// Thread safety: everything here may be called from any attached thread (ThreadAttachment).
// Ownership: Retire() takes the object; `free` is called exactly once, on some thread, outside of
// any read section. `free` may itself call Retire(), which makes the object wait a second period.
//
// The rule of two waits. A thread that waits for a grace period (Synchronize) is in no read
// section and holds no entry lock; a thread in a read section never waits without bound for a
// lock: it leaves the section and tries again later. Otherwise two threads would wait for each
// other. Debug builds assert the first half here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace mantis::reclaim {

using FreeFunction = void (*)(void*);

// Starts libcds and the background thread; exactly one lives in a process at a time, created
// before any attachment and destroyed after the last.
class Runtime {
 public:
  Runtime();
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
};

// Makes the current thread known to RCU for this object's lifetime. What the thread retired and
// could not free yet is left to the background thread at the end.
class ThreadAttachment {
 public:
  ThreadAttachment();
  ~ThreadAttachment();
  ThreadAttachment(const ThreadAttachment&) = delete;
  ThreadAttachment& operator=(const ThreadAttachment&) = delete;
};

// While one exists on this thread, nothing retired after its begin is freed. Nests. Cost: two
// thread-local stores and one fence.
class ReadSection {
 public:
  ReadSection();
  ~ReadSection();
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;
};

[[nodiscard]] bool InReadSection();

// Hands over an unlinked object of `bytes` bytes. Never waits, allowed inside a read section.
void Retire(void* p, FreeFunction free, size_t bytes);

template <class T>
void RetireObject(T* p, size_t bytes) {
  Retire(
      p, [](void* v) { T::Destroy(static_cast<T*>(v)); }, bytes);
}

// Frees this thread's batches whose grace period has ended. With `seal`, also seals the current
// batch however small (for idle moments). Outside of any read section.
void Poll(bool seal = false);

// Seals the current batch so that it is freed as soon as possible. Allowed inside a section.
void SealBatch();

// Gives all of this thread's batches to the background thread, which frees them once their grace
// period has ended: for a thread that may not come to Poll() for long. With kIfMany, only if they
// are worth a batch of their own. Outside of any section.
enum class Give : uint8_t { kAll, kIfMany };
void HandOver(Give give = Give::kAll);

// Blocks that the background thread frees belong to other threads' heaps, and are taken back there,
// all at once. So that this is never much, `pause` is called on the background thread after it has
// freed some blocks, lets those threads take them back, soon returns, and says after how many
// blocks it is to be called again. nullptr: not any more, and a call under way is over.
void SetPause(std::function<uint32_t()> pause);

// Waits until every read section that existed at the call has ended.
void Synchronize();

// Frees everything that can be freed after waiting: for tests and for MEMORY PURGE.
void Drain();

// Entry locks held by this thread: kept by the keyspace, checked here.
void NoteLocksHeld(int delta);

}  // namespace mantis::reclaim
