#include "engine/cache/eviction.h"

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/cache/evictor.h"
#include "engine/keyspace/engine.h"

namespace mantis {
namespace {

constexpr uint8_t kLfuInitial = 5;
// One call evicts at most this many keys, so that a lowered limit does not stall a core.
constexpr int kEvictionsPerCall = 64;
// And this many while only the reserve is not filled: more than one write takes.
constexpr int kEvictionsForReserve = 3;
// An evicted key's entry and its places in the indexes go at the end of the batch.
constexpr int64_t kEntryBytes = 80;
// A thread's retired memory gets a grace period of its own once it is this much.
constexpr int64_t kSealBytesMin = 4 * 1024;
constexpr int64_t kSealBytesMax = 256 * 1024;
// Parts of the limit: how exact memory in use is known; what is kept free for pending memory at
// most; how far pending memory may take memory in use above the limit before writes wait for it;
// and how far if waiting was in vain.
constexpr int64_t kErrorPart = 4096;
constexpr int64_t kReservePart = 64;
constexpr int64_t kSlackPart = 1024;
constexpr int64_t kMostAbovePart = 4;
constexpr int64_t kSlackBytesMin = 16 * 1024;

uint32_t Minutes(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 60000) & 0xffff; }
uint32_t Seconds(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & Entry::kAccessMask;
}

}  // namespace

void Cache::SetOptions(const CacheOptions& options) {
  max_bytes_.store(options.max_bytes, std::memory_order_relaxed);
  policy_.store(options.policy, std::memory_order_relaxed);
  samples_.store(options.samples, std::memory_order_relaxed);
  lfu_log_factor_.store(options.lfu_log_factor, std::memory_order_relaxed);
  lfu_decay_minutes_.store(options.lfu_decay_minutes, std::memory_order_relaxed);
  Counters::SetMemoryError(options.max_bytes == 0 ? INT64_MAX : options.max_bytes / kErrorPart);
}

CacheOptions Cache::options() const {
  return {max_bytes_.load(std::memory_order_relaxed), policy_.load(std::memory_order_relaxed),
          samples_.load(std::memory_order_relaxed), lfu_log_factor_.load(std::memory_order_relaxed),
          lfu_decay_minutes_.load(std::memory_order_relaxed)};
}

uint8_t Cache::DecayedCounter(uint32_t access, int64_t now_ms) const {
  const uint32_t counter = access & 0xff;
  const int decay = lfu_decay_minutes_.load(std::memory_order_relaxed);
  if (decay == 0) return static_cast<uint8_t>(counter);
  const uint32_t idle = (Minutes(now_ms) - (access >> 8)) & 0xffff;
  const uint32_t lost = idle / static_cast<uint32_t>(decay);
  return static_cast<uint8_t>(lost >= counter ? 0 : counter - lost);
}

void Cache::Touch(Entry* e, int64_t now_ms, uint64_t& random_state) const {
  const uint32_t old = e->access();
  if (!lfu()) {
    const uint32_t now = Seconds(now_ms);
    if (old != now) e->set_access(now);
    return;
  }
  uint32_t counter = DecayedCounter(old, now_ms);
  if (counter < 255) {
    // Morris: the chance of counting falls with the count already reached.
    const uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
    const auto factor = static_cast<uint32_t>(lfu_log_factor_.load(std::memory_order_relaxed));
    if ((NextRandom(random_state) >> 32) % (uint64_t{base} * factor + 1) == 0) ++counter;
  }
  const uint32_t now = Minutes(now_ms) << 8 | counter;
  if (old != now) e->set_access(now);
}

void Cache::InitAccess(Entry* e, int64_t now_ms) const {
  e->set_access(lfu() ? Minutes(now_ms) << 8 | kLfuInitial : Seconds(now_ms));
}

int64_t Cache::IdleSeconds(const Entry* e, int64_t now_ms) const {
  // The clock wraps after 194 days; a time just ahead is that of a core whose clock is newer.
  constexpr uint32_t kAhead = 3600;
  const uint32_t idle = (Seconds(now_ms) - e->access()) & Entry::kAccessMask;
  return idle > Entry::kAccessMask - kAhead ? 0 : idle;
}

uint8_t Cache::Frequency(const Entry* e, int64_t now_ms) const {
  return DecayedCounter(e->access(), now_ms);
}

void Cache::SetIdle(Entry* e, int64_t seconds, int64_t now_ms) const {
  constexpr int64_t kMost = Entry::kAccessMask / 2;
  const auto idle = static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, kMost));
  e->set_access((Seconds(now_ms) - idle) & Entry::kAccessMask);
}

void Cache::SetFrequency(Entry* e, uint8_t frequency, int64_t now_ms) const {
  e->set_access(Minutes(now_ms) << 8 | frequency);
}

uint64_t Cache::EvictionScore(const Entry* e, int64_t now_ms) const {
  switch (policy_.load(std::memory_order_relaxed)) {
    case EvictionPolicy::kAllKeysLfu:
    case EvictionPolicy::kVolatileLfu:
      return 255u - DecayedCounter(e->access(), now_ms);
    case EvictionPolicy::kVolatileTtl:
      return static_cast<uint64_t>(INT64_MAX - Resolve(e->word()).deadline_ms);
    default:
      return static_cast<uint64_t>(IdleSeconds(e, now_ms));
  }
}

namespace {

int64_t NowMs() { return MonotonicUs() / 1000; }

// How far pending memory may take memory in use above the limit before writes wait for it.
int64_t Slack(int64_t limit) { return std::max(kSlackBytesMin, limit / kSlackPart); }

struct Local {
  Evictor evictor;
  int64_t sealed_at = 0;  // Counter::kRetiredBytes of this thread when it last sealed
};
thread_local Local local;

// Starts the grace period of what this thread retired, once that is worth one.
void SealNowAndThen(int64_t limit) {
  const int64_t retired = Counters::Local().Get(Counter::kRetiredBytes);
  if (retired - local.sealed_at < std::clamp(limit / kErrorPart, kSealBytesMin, kSealBytesMax)) {
    return;
  }
  local.sealed_at = retired;
  reclaim::SealBatch();
}

}  // namespace

Cache::Room Cache::MakeRoom(Engine& engine, OpContext& ctx) {
  const int64_t limit = max_bytes_.load(std::memory_order_relaxed);
  if (limit == 0) return Room::kEnough;
  const MemoryLevels memory = Counters::Memory();
  if (memory.used <= limit - Reserve(limit)) [[likely]] {
    // A wait that nobody came back from is over too, else the next one would have no time left.
    // Relaxed, as in Await.
    if (waiting_since_ms_.load(std::memory_order_relaxed) != 0)
      waiting_since_ms_.store(0, std::memory_order_relaxed);
    return Room::kEnough;
  }
  return MakeRoomNow(engine, ctx);
}

int64_t Cache::Reserve(int64_t limit) const {
  if (policy_.load(std::memory_order_relaxed) == EvictionPolicy::kNoEviction) return 0;
  return std::min(pending_.usual(), limit / kReservePart);
}

int64_t Cache::Over(const MemoryLevels& memory, int64_t limit) const {
  const int64_t stale = std::min(memory.pending, pending_.stale());
  return memory.used - memory.pending + std::max(stale, Reserve(limit)) - limit;
}

Cache::Room Cache::MakeRoomNow(Engine& engine, OpContext& ctx) {
  const CacheOptions now = options();
  const int64_t limit = now.max_bytes;
  const int64_t now_ms = NowMs();
  NotePending(now_ms);
  // The tombs of this batch are retired at its end.
  const auto over = [&] {
    return Over(Counters::Memory(), limit) - static_cast<int64_t>(ctx.tomb_count()) * kEntryBytes;
  };
  bool found = now.policy != EvictionPolicy::kNoEviction;
  // The reserve is filled little by little, and not while writes wait for what is pending:
  // evicting, too, takes memory before it gives some back.
  int most = kEvictionsForReserve;
  if (over() > Reserve(limit)) {
    most = kEvictionsPerCall;
  } else if (Counters::Memory().used - limit > Slack(limit)) {
    most = 0;
  }
  for (int i = 0; i < most && found && over() > 0; ++i) {
    found = local.evictor.EvictOne(engine, ctx, now);
  }
  SealNowAndThen(limit);
  const bool fits = over() <= 0;
  NoteExceeded(now_ms, !fits);
  if (!fits && !found) return Room::kNone;
  return Await(now_ms, limit);
}

Cache::Room Cache::Await(int64_t now_ms, int64_t limit) {
  const int64_t above = Counters::Memory().used - limit;
  int64_t since = waiting_since_ms_.load(std::memory_order_relaxed);
  if (above <= Slack(limit)) {
    if (since != 0) waiting_since_ms_.store(0, std::memory_order_relaxed);
    return Room::kEnough;
  }
  // What this thread itself retired is to come back too.
  reclaim::SealBatch();
  if (since == 0) {
    // Relaxed: whoever is first sets the time, and the others' is the same within a moment.
    waiting_since_ms_.compare_exchange_strong(since, now_ms, std::memory_order_relaxed);
    return Room::kWait;
  }
  if (now_ms - since < kWaitMsMax) return Room::kWait;
  return above > std::max(kSlackBytesMin, limit / kMostAbovePart) ? Room::kNone : Room::kEnough;
}

void Cache::NotePending(int64_t now_ms) { pending_.Note(now_ms, Counters::Memory().pending); }

void Cache::NoteExceeded(int64_t now_ms, bool exceeded) {
  int64_t since = exceeded_since_ms_.load(std::memory_order_relaxed);
  if (exceeded == (since != 0)) return;
  // Relaxed: of several threads that see the change one counts it.
  if (!exceeded_since_ms_.compare_exchange_strong(since, exceeded ? now_ms : 0,
                                                  std::memory_order_relaxed)) {
    return;
  }
  if (!exceeded) exceeded_ms_.fetch_add(now_ms - since, std::memory_order_relaxed);
}

bool Cache::Look() {
  const int64_t limit = max_bytes_.load(std::memory_order_relaxed);
  if (limit == 0) {
    NoteExceeded(NowMs(), false);
    return false;
  }
  const int64_t now_ms = NowMs();
  NotePending(now_ms);
  const bool over = Over(Counters::Memory(), limit) > 0;
  if (!over) NoteExceeded(now_ms, false);
  return over && policy_.load(std::memory_order_relaxed) != EvictionPolicy::kNoEviction;
}

Cache::Exceeded Cache::exceeded() const {
  const int64_t since = exceeded_since_ms_.load(std::memory_order_relaxed);
  const int64_t present = since == 0 ? 0 : NowMs() - since;
  return {exceeded_ms_.load(std::memory_order_relaxed) + present, present};
}

}  // namespace mantis
