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
void* RawAllocate(size_t n) { return std::malloc(n == 0 ? 1 : n); }
void* RawAllocateZeroed(size_t n) { return std::calloc(1, n == 0 ? 1 : n); }
void* RawAllocateAligned(size_t n, size_t align) { return std::aligned_alloc(align, n); }
void RawFree(void* p) { std::free(p); }
size_t RawUsable(const void* p) { return ::malloc_usable_size(const_cast<void*>(p)); }
size_t RawUsableFor(size_t n) { return n == 0 ? 1 : n; }
#else
void* RawAllocate(size_t n) { return mi_malloc(n); }
void* RawAllocateZeroed(size_t n) { return mi_zalloc(n); }
void* RawAllocateAligned(size_t n, size_t align) { return mi_malloc_aligned(n, align); }
void RawFree(void* p) { mi_free(p); }
size_t RawUsable(const void* p) { return mi_usable_size(p); }
size_t RawUsableFor(size_t n) { return mi_good_size(n); }
#endif

// Frees until the next pause; 0: nobody counts.
thread_local uint32_t frees_left = 0;
thread_local std::function<uint32_t()>* on_pause = nullptr;
// Of the ReclaimScope's bytes, those not reclaimed yet.
thread_local int64_t reclaim_left = 0;

void Pause() {
  // frees_left is 0 meanwhile: what the pause itself frees does not count.
  frees_left = (*on_pause)();
}

void* Counted(void* p) {
  if (p == nullptr) [[unlikely]] {
    std::fputs("mantis: out of memory\n", stderr);
    std::abort();
  }
  Counters::Local().Add(Counter::kUsedBytes, static_cast<int64_t>(RawUsable(p)));
  return p;
}

}  // namespace

void* Allocate(size_t n) { return Counted(RawAllocate(n)); }
void* AllocateZeroed(size_t n) { return Counted(RawAllocateZeroed(n)); }

void Free(void* p) {
  if (p == nullptr) return;
  const auto bytes = static_cast<int64_t>(RawUsable(p));
  CounterSlot& slot = Counters::Local();
  slot.Add(Counter::kUsedBytes, -bytes);
  if (reclaim_left > 0) [[unlikely]] {
    const int64_t part = std::min(reclaim_left, bytes);
    slot.Add(Counter::kReclaimedBytes, part);
    reclaim_left -= part;
  }
  RawFree(p);
  if (frees_left != 0 && --frees_left == 0) [[unlikely]]
    Pause();
}

FreePacer::FreePacer(std::function<uint32_t()> f) {
  on_pause = new std::function<uint32_t()>(std::move(f));
  frees_left = 1;
}
FreePacer::~FreePacer() {
  frees_left = 0;
  delete std::exchange(on_pause, nullptr);
}

FixedScope::FixedScope() : before_(Counters::Local().Get(Counter::kUsedBytes)) {}
FixedScope::~FixedScope() {
  const int64_t kept = Counters::Local().Get(Counter::kUsedBytes) - before_;
  Counters::Local().Add(Counter::kUsedBytes, -kept);
  fixed.fetch_add(kept, std::memory_order_relaxed);
}

ReclaimScope::ReclaimScope(int64_t bytes) { reclaim_left = bytes; }
ReclaimScope::~ReclaimScope() {
  Counters::Local().Add(Counter::kReclaimedBytes, std::exchange(reclaim_left, 0));
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
void* AllocateAligned(size_t n, std::align_val_t align) {
  const auto a = static_cast<size_t>(align);
  return Counted(RawAllocateAligned((n + a - 1) / a * a, a));
}
}  // namespace
}  // namespace mantis::memory

void* operator new(size_t n) { return mantis::memory::Allocate(n); }
void* operator new[](size_t n) { return mantis::memory::Allocate(n); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return mantis::memory::Allocate(n); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return mantis::memory::Allocate(n);
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
