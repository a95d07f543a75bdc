#include "engine/base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "engine/base/allocation_failure.h"
#include "engine/base/clock.h"
#include "engine/base/counters.h"

#ifdef MANTIS_SANITIZED
#include <malloc.h>
#else
#include <mimalloc.h>
#endif

namespace mantis::memory {
namespace {

std::atomic<int64_t> peak{0};
std::atomic<int64_t> fixed{0};

// The sanitizers bring their own malloc, which must see every allocation to do its work.
#ifdef MANTIS_SANITIZED
// They do not work under ulimit -v, so tests of what happens when memory cannot be had set a bound
// of their own for large blocks that may fail.
bool BeyondTestLimit(size_t n) {
  static const auto limit = [] {
    const char* text = std::getenv("MANTIS_TEST_MEMORY_LIMIT");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? INT64_MAX : std::strtoll(text, nullptr, 10);
  }();
  constexpr size_t kMost = size_t{1} << 40;  // beyond it the sanitizers end the process
  if (n > kMost) return true;
  // The reserve stands for all that may not fail.
  return n >= kLargeBlock && FailureAllowed() && UsedBytes() + static_cast<int64_t>(n) > limit;
}
void* RawAllocate(size_t n) { return BeyondTestLimit(n) ? nullptr : std::malloc(n == 0 ? 1 : n); }
void* RawAllocateZeroed(size_t n) {
  return BeyondTestLimit(n) ? nullptr : std::calloc(1, n == 0 ? 1 : n);
}
void* RawAllocateAligned(size_t n, size_t align) { return std::aligned_alloc(align, n); }
void RawFree(void* p) { std::free(p); }
size_t RawUsable(const void* p) { return ::malloc_usable_size(const_cast<void*>(p)); }
size_t RawUsableNew(const void* p, size_t) { return RawUsable(p); }
size_t RawUsableFor(size_t n) { return n == 0 ? 1 : n; }
#else
void* RawAllocate(size_t n) { return mi_malloc(n); }
void* RawAllocateZeroed(size_t n) { return mi_zalloc(n); }
void* RawAllocateAligned(size_t n, size_t align) { return mi_malloc_aligned(n, align); }
void RawFree(void* p) { mi_free(p); }
size_t RawUsable(const void* p) { return mi_usable_size(p); }
size_t RawUsableFor(size_t n) { return mi_good_size(n); }

// RawUsable of a block that was just allocated for `n` bytes. All small blocks of a size class are
// alike, so only the first of each is looked at.
size_t RawUsableNew(const void* p, size_t n) {
  constexpr size_t kSmallMax = 1024;
  constexpr size_t kGrain = 8;  // sizes within one are of one class
  static constinit std::array<std::atomic<uint16_t>, kSmallMax / kGrain + 1> known{};
  if (n > kSmallMax) [[unlikely]]
    return RawUsable(p);
  // Relaxed: whoever stores stores the same.
  std::atomic<uint16_t>& usable = known[(n + kGrain - 1) / kGrain];
  size_t bytes = usable.load(std::memory_order_relaxed);
  if (bytes == 0) [[unlikely]] {
    bytes = RawUsable(p);
    usable.store(static_cast<uint16_t>(bytes), std::memory_order_relaxed);
  }
  return bytes;
}
#endif

// What this thread does besides when it frees, for a FreePacer and a ReclaimScope.
struct FreeWatch {
  std::function<uint32_t()>* on_pause = nullptr;
  // Frees until the next pause; 0: nobody counts.
  uint32_t frees_left = 0;
  // Of the ReclaimScope's bytes, those not reclaimed yet.
  int64_t reclaim_left = 0;

  bool idle() const { return frees_left == 0 && reclaim_left <= 0; }
};
constinit thread_local FreeWatch watch;
// There is something to do: the one look that an ordinary free takes.
constinit thread_local bool watching = false;

void FreeWatched(void* p, int64_t bytes) {
  if (watch.reclaim_left > 0) {
    const int64_t part = std::min(watch.reclaim_left, bytes);
    Counters::Local().Add(Counter::kReclaimedBytes, part);
    watch.reclaim_left -= part;
  }
  RawFree(p);
  if (watch.frees_left != 0 && --watch.frees_left == 0) {
    // frees_left is 0 meanwhile: what the pause itself frees does not count.
    watch.frees_left = (*watch.on_pause)();
  }
  watching = !watch.idle();
}

// Counts a block that was allocated for `n` bytes.
void* Counted(void* p, size_t n) {
  Counters::Local().Add(Counter::kUsedBytes, static_cast<int64_t>(RawUsableNew(p, n)));
  return p;
}

// `allocate` has given nothing for `n` bytes. See allocation_failure.h.
template <class Allocate>
[[gnu::noinline]] void* Refused(size_t n, Allocate allocate) {
#ifndef MANTIS_SANITIZED
  // Freed memory that the allocator has kept.
  mi_collect(true);
  if (void* p = allocate(n)) return Counted(p, SIZE_MAX);
#endif
  if (n >= kLargeBlock && FailureAllowed()) throw std::bad_alloc();
  while (GiveUpReserve()) {
    if (void* p = allocate(n)) return Counted(p, SIZE_MAX);
  }
  std::fprintf(stderr, "mantis: out of memory: no %zu bytes to be had, and the reserve is spent\n",
               n);
  std::abort();
}

}  // namespace

void* Allocate(size_t n) {
  void* const p = RawAllocate(n);
  if (p == nullptr) [[unlikely]]
    return Refused(n, RawAllocate);
  return Counted(p, n);
}
void* AllocateZeroed(size_t n) {
  void* const p = RawAllocateZeroed(n);
  if (p == nullptr) [[unlikely]]
    return Refused(n, RawAllocateZeroed);
  return Counted(p, n);
}
void* TryAllocateZeroed(size_t n) {
  void* const p = RawAllocateZeroed(n);
  return p == nullptr ? p : Counted(p, n);
}

void Free(void* p) {
  if (p == nullptr) return;
  const auto bytes = static_cast<int64_t>(RawUsable(p));
  Counters::Local().Add(Counter::kUsedBytes, -bytes);
  if (watching) [[unlikely]]
    return FreeWatched(p, bytes);
  RawFree(p);
}

FreePacer::FreePacer(std::function<uint32_t()> f) {
  watch.on_pause = new std::function<uint32_t()>(std::move(f));
  watch.frees_left = 1;
  watching = true;
}
FreePacer::~FreePacer() {
  watch.frees_left = 0;
  delete std::exchange(watch.on_pause, nullptr);
}

FixedScope::FixedScope() : before_(Counters::Local().Get(Counter::kUsedBytes)) {}
FixedScope::~FixedScope() {
  const int64_t kept = Counters::Local().Get(Counter::kUsedBytes) - before_;
  Counters::Local().Add(Counter::kUsedBytes, -kept);
  fixed.fetch_add(kept, std::memory_order_relaxed);
}

ReclaimScope::ReclaimScope(int64_t bytes) {
  watch.reclaim_left = bytes;
  watching = true;
}
ReclaimScope::~ReclaimScope() {
  Counters::Local().Add(Counter::kReclaimedBytes, std::exchange(watch.reclaim_left, 0));
}

size_t UsableSize(const void* p) { return RawUsable(p); }
size_t UsableSizeFor(size_t n) { return RawUsableFor(n); }

int64_t UsedBytes() {
  const int64_t used = Counters::Sum(Counter::kUsedBytes);
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (used > seen && !peak.compare_exchange_weak(seen, used, std::memory_order_relaxed)) {
  }
  return used;
}

int64_t FixedBytes() { return fixed.load(std::memory_order_relaxed); }

int64_t PeakBytes() {
  (void)UsedBytes();
  return peak.load(std::memory_order_relaxed);
}

int64_t ResidentBytes() {
  std::FILE* f = std::fopen("/proc/self/statm", "re");
  if (f == nullptr) return 0;
  long size = 0;
  long resident = 0;
  const int n = std::fscanf(f, "%ld %ld", &size, &resident);
  std::fclose(f);
  return n == 2 ? static_cast<int64_t>(resident) * ::sysconf(_SC_PAGESIZE) : 0;
}

#ifndef MANTIS_SANITIZED
namespace {

// By default free pages are kept for a while in case they are wanted again, and then only given
// back by whoever allocates next: on a server gone quiet, nobody. The option is the process's: it
// is 0 as long as anybody has asked for that.
std::mutex delay_mutex;
int purging = 0;
int64_t at_once_until_us = 0;

void SetDelay() {
  static const long usual = mi_option_get(mi_option_decommit_delay);
  const bool at_once = purging != 0 || MonotonicUs() < at_once_until_us;
  mi_option_set(mi_option_decommit_delay, at_once ? 0 : usual);
}

}  // namespace
#endif

void Purge() {
#ifndef MANTIS_SANITIZED
  {
    const std::lock_guard lock(delay_mutex);
    ++purging;
    SetDelay();
  }
  // Not with force, which walks the free blocks of every page.
  mi_collect(false);
  const std::lock_guard lock(delay_mutex);
  --purging;
  SetDelay();
#endif
}

void PurgeAll() {
#ifndef MANTIS_SANITIZED
  mi_collect(true);
#endif
}

void GiveBackAtOnce(int64_t ms) {
  (void)ms;
#ifndef MANTIS_SANITIZED
  const std::lock_guard lock(delay_mutex);
  at_once_until_us = MonotonicUs() + ms * 1000;
  SetDelay();
#endif
}

const char* AllocatorName() {
#ifdef MANTIS_SANITIZED
  return "libc";
#else
  static const auto name = [] {
    std::array<char, 32> text{};
    const int v = mi_version();
    std::snprintf(text.data(), text.size(), "mimalloc-%d.%d.%d", v / 100, v / 10 % 10, v % 10);
    return text;
  }();
  return name.data();
#endif
}

namespace {
void* AllocateOrNull(size_t n) noexcept {
  void* const p = RawAllocate(n);
  return p == nullptr ? p : Counted(p, n);
}
void* AllocateAligned(size_t n, std::align_val_t align) {
  const auto a = static_cast<size_t>(align);
  const size_t whole = (n + a - 1) / a * a;
  void* const p = RawAllocateAligned(whole, a);
  if (p == nullptr) [[unlikely]]
    return Refused(whole, [a](size_t bytes) { return RawAllocateAligned(bytes, a); });
  // More than asked for, so not of the class of `n`.
  return Counted(p, SIZE_MAX);
}
}  // namespace
}  // namespace mantis::memory

void* operator new(size_t n) { return mantis::memory::Allocate(n); }
void* operator new[](size_t n) { return mantis::memory::Allocate(n); }
void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return mantis::memory::AllocateOrNull(n);
}
void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return mantis::memory::AllocateOrNull(n);
}
void* operator new(size_t n, std::align_val_t a) { return mantis::memory::AllocateAligned(n, a); }
void* operator new[](size_t n, std::align_val_t a) { return mantis::memory::AllocateAligned(n, a); }
void operator delete(void* p) noexcept { mantis::memory::Free(p); }
void operator delete[](void* p) noexcept { mantis::memory::Free(p); }
void operator delete(void* p, size_t) noexcept { mantis::memory::Free(p); }
void operator delete[](void* p, size_t) noexcept { mantis::memory::Free(p); }
void operator delete(void* p, std::align_val_t) noexcept { mantis::memory::Free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { mantis::memory::Free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { mantis::memory::Free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { mantis::memory::Free(p); }
