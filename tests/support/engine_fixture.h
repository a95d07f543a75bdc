// What engine tests share: one RCU runtime per process, and batches that wait for the gate.
//
// Thread safety: RunBatch is called on the thread of its context.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include "engine/keyspace/engine.h"
#include "engine/keyspace/key_locks.h"

namespace mantis::test {

// Enters a batch, waiting for the gate, runs `f`, ends the batch.
template <class F>
auto RunBatch(OpContext& ctx, F&& f) {
  while (!ctx.TryBegin()) std::this_thread::yield();
  struct Ender {
    OpContext& c;
    ~Ender() { c.End(); }
  } ender{ctx};
  return f();
}

inline Status SetString(OpContext& ctx, int db, Bytes key, Bytes value,
                        int64_t deadline_ms = kNoDeadline) {
  return RunBatch(ctx, [&] {
    return ctx.engine().database(db).Mutate(ctx, KeyRef::Of(key), [&](const Current& now) {
      return Update::Set(MakeString(value, now.value), deadline_ms, "set");
    });
  });
}

inline Status Delete(OpContext& ctx, int db, Bytes key) {
  return RunBatch(ctx, [&] {
    return ctx.engine().database(db).Mutate(ctx, KeyRef::Of(key), [](const Current& now) {
      return now.exists() ? Update::Erase("del") : Update::Keep(Status::kNotFound);
    });
  });
}

inline std::string TextOf(const Current& c) {
  char digits[24];
  return std::string(StringRef(c.value).Text(std::span<char, 24>(digits)));
}

// The seed of a randomized test: from MANTIS_SEED, or drawn; printed so that a failure can be
// repeated.
inline uint64_t TestSeed() {
  const char* given = std::getenv("MANTIS_SEED");  // NOLINT(concurrency-mt-unsafe)
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "MANTIS_SEED=" << seed << "\n";
  return seed;
}

}  // namespace mantis::test
