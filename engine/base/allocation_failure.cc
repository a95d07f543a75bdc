#include "engine/base/allocation_failure.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "engine/base/memory.h"

namespace mantis::memory {
namespace {

// Given up in as many parts: what needs a little leaves something for the next one.
constexpr size_t kParts = 4;

std::mutex reserve_mutex;  // guards what follows; the allocator is not called with it held
void* parts[kParts] = {};
size_t part_size = 0;

// Relaxed: hints; the mutex orders what they are about.
std::atomic<bool> spent{false};
std::atomic<void (*)()> on_spent{nullptr};

// Mapped and never touched: it counts against ulimit -v and the overcommit limit, and is no memory.
void* Map(size_t bytes) {
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

}  // namespace

void EnsureLarge(size_t bytes) {
  if (!FailureAllowed()) return;
  Free(Allocate(bytes));
}

bool FillReserve(size_t bytes) {
  const std::lock_guard lock(reserve_mutex);
  if (part_size == 0) part_size = bytes / kParts;
  if (part_size == 0) return true;
  for (void*& part : parts) {
    if (part == nullptr) part = Map(part_size);
    if (part == nullptr) return false;
  }
  spent.store(false, std::memory_order_relaxed);
  return true;
}

bool ReserveSpent() { return spent.load(std::memory_order_relaxed); }

void OnReserveSpent(void (*f)()) { on_spent.store(f, std::memory_order_relaxed); }

bool GiveUpReserve() {
  {
    const std::lock_guard lock(reserve_mutex);
    void** const part = std::find_if(std::begin(parts), std::end(parts),
                                     [](const void* p) { return p != nullptr; });
    if (part == std::end(parts)) return false;
    ::munmap(*part, part_size);
    *part = nullptr;
  }
  spent.store(true, std::memory_order_relaxed);
  if (auto* const f = on_spent.load(std::memory_order_relaxed)) f();
  return true;
}

}  // namespace mantis::memory
