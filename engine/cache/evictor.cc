#include "engine/cache/evictor.h"

#include <algorithm>
#include <utility>

#include "engine/base/random.h"
#include "engine/keyspace/engine.h"

namespace mantis {
namespace {

constexpr size_t kPoolSize = 16;
// Rounds of sampling that may come to nothing, as keys are locked or gone.
constexpr int kRounds = 16;

bool IsVolatile(EvictionPolicy p) {
  return p == EvictionPolicy::kVolatileLru || p == EvictionPolicy::kVolatileLfu ||
         p == EvictionPolicy::kVolatileRandom || p == EvictionPolicy::kVolatileTtl;
}

bool IsRandom(EvictionPolicy p) {
  return p == EvictionPolicy::kAllKeysRandom || p == EvictionPolicy::kVolatileRandom;
}

}  // namespace

bool Evictor::EvictOne(Engine& engine, OpContext& ctx, const CacheOptions& options) {
  const bool random = IsRandom(options.policy);
  const Cache& cache = engine.cache();
  for (int round = 0; round < kRounds; ++round) {
    Sample(engine, ctx, options);
    if (random) {
      if (EvictRandom(engine, ctx)) return true;
      continue;
    }
    for (const Sampled& s : samples_) Offer(cache, ctx, s.db, s.entry);
    while (!pool_.empty()) {
      const Candidate best = std::move(pool_.back());
      pool_.pop_back();
      if (best.db >= engine.database_count()) continue;
      Database& db = engine.database(best.db);
      const KeyRef key = KeyRef::Of(best.key);
      Entry* e = db.index().Find(key.bytes, key.hash);
      if (e == nullptr) continue;
      if (IsVolatile(options.policy) && !Resolve(e->word()).has_deadline()) continue;
      // Used, or made anew, since it was sampled.
      if (cache.EvictionScore(e, ctx.now_ms()) < best.score) continue;
      if (db.Evict(ctx, e)) return true;
    }
  }
  return false;
}

void Evictor::Sample(Engine& engine, OpContext& ctx, const CacheOptions& options) {
  const auto wanted = static_cast<size_t>(std::max(1, options.samples));
  const bool only_volatile = IsVolatile(options.policy);
  samples_.clear();
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& db = engine.database(i);
    if ((only_volatile ? db.deadlines() : db.size()) == 0) continue;
    found_.clear();
    if (only_volatile) {
      db.expiry().Sample(NextRandom(ctx.random_state()), wanted,
                         options.policy == EvictionPolicy::kVolatileTtl, found_);
    } else {
      db.index().Sample(ctx.random_state(), wanted, found_);
    }
    for (const Entry* e : found_) e->PrefetchHeader();
    for (Entry* e : found_) {
      const Current now = Resolve(e->word());
      if (now.exists() && (!only_volatile || now.has_deadline())) samples_.push_back({i, e});
    }
  }
}

bool Evictor::EvictRandom(Engine& engine, OpContext& ctx) {
  while (!samples_.empty()) {
    std::swap(samples_[NextRandom(ctx.random_state()) % samples_.size()], samples_.back());
    const Sampled s = samples_.back();
    samples_.pop_back();
    if (engine.database(s.db).Evict(ctx, s.entry)) return true;
  }
  return false;
}

void Evictor::Offer(const Cache& cache, OpContext& ctx, int db, const Entry* e) {
  const uint64_t score = cache.EvictionScore(e, ctx.now_ms());
  if (pool_.size() == kPoolSize) {
    if (score <= pool_.front().score) return;
    pool_.erase(pool_.begin());
  }
  const auto at = std::upper_bound(pool_.begin(), pool_.end(), score,
                                   [](uint64_t s, const Candidate& c) { return s < c.score; });
  pool_.insert(at, Candidate{score, db, std::string(e->key())});
}

}  // namespace mantis
