// The engine's allocator front: mimalloc underneath, every byte accounted per core.
//
// Thread safety: all functions may be called from any thread; memory may be freed by another
// thread than the one that allocated it (only the sum over cores is meaningful).
// Units: bytes, as the allocator really spends them (usable size, not the size asked for).
// The global operators new and delete are defined in memory.cc on top of these, so that
// std containers count too; malloc of C libraries goes to mimalloc but is not counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace mantis::memory {

// Never return nullptr: what happens when there is no memory, allocation_failure.h says.
[[nodiscard]] void* Allocate(size_t n);
[[nodiscard]] void* AllocateZeroed(size_t n);
// nullptr if there is no memory.
[[nodiscard]] void* TryAllocateZeroed(size_t n);
void Free(void* p);
[[nodiscard]] size_t UsableSize(const void* p);
// What a block of Allocate(n) has at least, and exactly unless it is huge: computed, where
// UsableSize has to look at the memory around the block.
[[nodiscard]] size_t UsableSizeFor(size_t n);

// Sum over all cores of what is allocated now, but for what a FixedScope has left out.
[[nodiscard]] int64_t UsedBytes();
// What FixedScopes have left out.
[[nodiscard]] int64_t FixedBytes();
// Highest UsedBytes() seen by calls to it.
[[nodiscard]] int64_t PeakBytes();
// Resident set of the process.
[[nodiscard]] int64_t ResidentBytes();
// Hands free pages of this thread back to the system. A block is the allocating thread's to reuse:
// what others freed of its blocks waits until it takes them back, here or some day by itself, and
// then all of them at once. O(blocks so freed) and a look at each page of the thread.
void Purge();
// The same by force: also what the thread would soon use again, and segments that the process
// keeps. For when there is no memory left; looks at every page of the thread.
void PurgeAll();
// For the next `ms` milliseconds, pages that become free anywhere in the process are given back at
// once instead of being kept for a while: while much is being freed, as what is kept would stay
// until somebody allocates again.
void GiveBackAtOnce(int64_t ms);

// While one exists on this thread, `pause` is called when the thread has freed some blocks: at
// first one, then each time as many as it returned, which is not 0.
class FreePacer {
 public:
  explicit FreePacer(std::function<uint32_t()> pause);
  ~FreePacer();
  FreePacer(const FreePacer&) = delete;
  FreePacer& operator=(const FreePacer&) = delete;
};

// What this thread allocates while one exists, and keeps, counts as fixed: structures that are
// there as long as the process is, whatever it stores, such as buffers of its threads. They are no
// more part of UsedBytes() than the threads' stacks are.
class FixedScope {
 public:
  FixedScope();
  ~FixedScope();
  FixedScope(const FixedScope&) = delete;
  FixedScope& operator=(const FixedScope&) = delete;

 private:
  int64_t before_;
};

// While one exists on this thread, what the thread frees counts as reclaimed block by block, up to
// the `bytes` that were counted as retired for it; what is left of them at the end counts then. So
// the memory that is used and not pending stays the same all the while. Does not nest.
class ReclaimScope {
 public:
  explicit ReclaimScope(int64_t bytes);
  ~ReclaimScope();
  ReclaimScope(const ReclaimScope&) = delete;
  ReclaimScope& operator=(const ReclaimScope&) = delete;
};

[[nodiscard]] const char* AllocatorName();

}  // namespace mantis::memory
