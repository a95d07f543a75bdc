#include "engine/reclaim/rcu.h"

#include <cds/init.h>
#include <cds/threading/model.h>

#include <atomic>
#include <cassert>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/counters.h"
#include "engine/base/memory.h"
#include "engine/reclaim/cds_gc.h"

#if defined(__SANITIZE_THREAD__)
#define MANTIS_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MANTIS_THREAD_SANITIZER 1
#endif
#endif

#ifdef MANTIS_THREAD_SANITIZER
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
#endif

namespace mantis::reclaim {
namespace {

using Rcu = RcuImplementation;

// ThreadSanitizer sees the atomics of read sections (they are in libcds's headers), but not how
// threads enter and leave the list that a grace period walks (that is in its compiled part). So it
// is told what it misses: leaving happens before the end of a later period, and reading the
// list's nodes is no race.
#ifdef MANTIS_THREAD_SANITIZER
std::atomic<uint32_t> threads_left{0};
void NoteThreadLeaves() { threads_left.fetch_add(1, std::memory_order_release); }
void WaitForReaders() {
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  Rcu::instance()->synchronize();
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  (void)threads_left.load(std::memory_order_acquire);
}
#else
void NoteThreadLeaves() {}
void WaitForReaders() { Rcu::instance()->synchronize(); }
#endif

struct Retired {
  void* object;
  FreeFunction free;
};

struct Batch {
  std::vector<Retired> items;
  size_t bytes = 0;
  // Grace periods begun when the batch was sealed: free once period number+1 has ended.
  uint64_t sealed_at = 0;
};

// A batch is sealed at either bound: enough to make a grace period cheap, little enough to keep
// the backlog small.
constexpr size_t kBatchItems = 1024;
constexpr size_t kBatchBytes = 1 << 20;

struct Shared {
  // Period n has begun / has ended. seq_cst on `begun`: a batch sealed with begun == n must be
  // ordered before the start of period n+1.
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> ended{0};
  // Bumped to ask the background thread for one more period.
  std::atomic<uint32_t> requests{0};
  std::atomic<bool> stop{false};
  std::mutex orphans_mutex;
  std::deque<Batch> orphans;
  uint64_t given = 0;                    // batches that became orphans, under the mutex
  std::atomic<uint64_t> given_freed{0};  // and how many of them were freed
  std::mutex pause_mutex;                // held during a pause
  std::function<uint32_t()> pause;
  std::thread thread;
};

Shared* shared = nullptr;

struct Local {
  Batch current;
  std::deque<Batch> sealed;
  int locks_held = 0;
  bool freeing = false;
};

thread_local Local* local = nullptr;

void FreeBatch(Batch& batch) {
  for (const Retired& r : batch.items) r.free(r.object);
  auto& slot = Counters::Local();
  slot.Add(Counter::kReclaimedObjects, static_cast<int64_t>(batch.items.size()));
  slot.Add(Counter::kReclaimedBytes, static_cast<int64_t>(batch.bytes));
}

void RequestPeriod() {
  shared->requests.fetch_add(1, std::memory_order_release);
  shared->requests.notify_one();
}

void Seal(Local& l) {
  if (l.current.items.empty()) return;
  l.current.sealed_at = shared->begun.load(std::memory_order_seq_cst);
  l.sealed.push_back(std::move(l.current));
  l.current = Batch{};
  RequestPeriod();
}

// Frees the batches at the front of `batches` whose period has ended.
void FreeEnded(std::deque<Batch>& batches) {
  // Acquire: the readers' last accesses happen before our frees.
  const uint64_t ended = shared->ended.load(std::memory_order_acquire);
  while (!batches.empty() && batches.front().sealed_at < ended) {
    Batch batch = std::move(batches.front());
    batches.pop_front();
    FreeBatch(batch);
  }
}

void OnePeriod() {
  const uint64_t n = shared->begun.fetch_add(1, std::memory_order_seq_cst) + 1;
  WaitForReaders();
  shared->ended.store(n, std::memory_order_release);
}

void GiveToBackground(Local& l) {
  if (l.sealed.empty()) return;
  {
    const std::lock_guard lock(shared->orphans_mutex);
    for (Batch& b : l.sealed) shared->orphans.push_back(std::move(b));
    shared->given += l.sealed.size();
  }
  l.sealed.clear();
  // The period that was asked for when they were sealed may be over already.
  RequestPeriod();
}

// Frees what has been handed over and is ripe: some of it, so that everybody's grace periods go on.
void FreeOrphans() {
  constexpr size_t kBatches = 16;
  std::deque<Batch> mine;
  {
    const std::lock_guard lock(shared->orphans_mutex);
    const uint64_t ended = shared->ended.load(std::memory_order_acquire);
    std::deque<Batch> rest;
    for (Batch& b : shared->orphans) {
      const bool now = b.sealed_at < ended && mine.size() < kBatches;
      (now ? mine : rest).push_back(std::move(b));
    }
    shared->orphans = std::move(rest);
    if (mine.size() == kBatches) RequestPeriod();
  }
  for (Batch& b : mine) FreeBatch(b);
  // Release: whoever waits in Drain finds the memory freed.
  shared->given_freed.fetch_add(mine.size(), std::memory_order_release);
}

uint64_t Given() {
  const std::lock_guard lock(shared->orphans_mutex);
  return shared->given;
}

// Returns how many blocks to free until the next one.
uint32_t Pause() {
  constexpr uint32_t kUntilAskedAgain = 4'000;
  const std::lock_guard lock(shared->pause_mutex);
  return shared->pause ? shared->pause() : kUntilAskedAgain;
}

void BackgroundLoop() {
  const ThreadAttachment attachment;
  const memory::FreePacer pacer(Pause);
  uint32_t seen = 0;
  while (!shared->stop.load(std::memory_order_acquire)) {
    shared->requests.wait(seen, std::memory_order_acquire);
    seen = shared->requests.load(std::memory_order_acquire);
    OnePeriod();
    FreeOrphans();
    // What freeing the orphans retired anew.
    Poll(true);
    // One period serves all requests made meanwhile; a pause keeps the rate, and so the cost to
    // the readers' cores, bounded.
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace

Runtime::Runtime() {
  assert(shared == nullptr);
  cds::Initialize();
  Rcu::Construct();
  shared = new Shared;
  shared->thread = std::thread(BackgroundLoop);
}

Runtime::~Runtime() {
  shared->stop.store(true, std::memory_order_release);
  RequestPeriod();
  shared->thread.join();
  {
    // No reader is left. Freeing may retire again (two-stage frees), hence the loop.
    const ThreadAttachment attachment;
    while (true) {
      std::deque<Batch> rest;
      rest.swap(shared->orphans);
      if (!local->current.items.empty()) rest.push_back(std::move(local->current));
      local->current = Batch{};
      for (Batch& b : local->sealed) rest.push_back(std::move(b));
      local->sealed.clear();
      if (rest.empty()) break;
      for (Batch& b : rest) FreeBatch(b);
    }
  }
  Rcu::Destruct(true);
  cds::Terminate();
  delete shared;
  shared = nullptr;
}

ThreadAttachment::ThreadAttachment() {
  assert(local == nullptr);
  cds::threading::Manager::attachThread();
  local = new Local;
}

ThreadAttachment::~ThreadAttachment() {
  assert(!InReadSection());
  Seal(*local);
  GiveToBackground(*local);
  delete local;
  local = nullptr;
  NoteThreadLeaves();
  cds::threading::Manager::detachThread();
}

ReadSection::ReadSection() { Rcu::thread_gc::access_lock(); }
ReadSection::~ReadSection() { Rcu::thread_gc::access_unlock(); }

bool InReadSection() { return Rcu::thread_gc::is_locked(); }

void Retire(void* p, FreeFunction free, size_t bytes) {
  Local& l = *local;
  l.current.items.push_back({p, free});
  l.current.bytes += bytes;
  auto& slot = Counters::Local();
  slot.Add(Counter::kRetiredObjects, 1);
  slot.Add(Counter::kRetiredBytes, static_cast<int64_t>(bytes));
  if (l.current.items.size() >= kBatchItems || l.current.bytes >= kBatchBytes) Seal(l);
}

void Poll(bool seal) {
  Local& l = *local;
  if (seal) Seal(l);
  if (l.sealed.empty() || l.freeing) return;
  assert(!InReadSection());
  l.freeing = true;
  FreeEnded(l.sealed);
  l.freeing = false;
}

void SealBatch() { Seal(*local); }

void HandOver(Give give) {
  constexpr size_t kManyItems = kBatchItems / 8;
  constexpr size_t kManyBytes = kBatchBytes / 8;
  assert(!InReadSection());
  Local& l = *local;
  const bool many =
      !l.sealed.empty() || l.current.items.size() >= kManyItems || l.current.bytes >= kManyBytes;
  if (l.freeing || (give == Give::kIfMany ? !many : l.current.items.empty() && l.sealed.empty())) {
    return;
  }
  Seal(l);
  GiveToBackground(l);
}

void SetPause(std::function<uint32_t()> pause) {
  const std::lock_guard lock(shared->pause_mutex);
  shared->pause = std::move(pause);
}

void Synchronize() {
  assert(!InReadSection() && "waiting for a grace period inside a read section");
  assert((local == nullptr || local->locks_held == 0) && "waiting for readers with a lock held");
  WaitForReaders();
}

void Drain() {
  // Twice two rounds: objects with a two-stage free come back once.
  for (int i = 0; i < 4; ++i) {
    Seal(*local);
    const uint64_t target = shared->begun.load(std::memory_order_seq_cst) + 1;
    const uint64_t given = Given();
    RequestPeriod();
    while (shared->ended.load(std::memory_order_acquire) < target ||
           shared->given_freed.load(std::memory_order_acquire) < given) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      RequestPeriod();
    }
    Poll();
  }
}

void NoteLocksHeld(int delta) { local->locks_held += delta; }

}  // namespace mantis::reclaim
