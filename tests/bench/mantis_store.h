// The engine behind the interface that stores.h describes. Every read and write is a batch of its
// own, as for a client that does not pipeline, except where the name says otherwise.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/base/memory.h"
#include "engine/keyspace/engine.h"
#include "engine/keyspace/key_locks.h"
#include "tests/bench/workload.h"

namespace mantis::bench {

class MantisStore {
 public:
  static constexpr const char* kName = "MantisDB";
  static constexpr bool kErases = true;
  static constexpr bool kSeeks = true;

  class Session {
   public:
    explicit Session(MantisStore& store) : op_(std::make_unique<OpContext>(store.engine_)) {}
    OpContext& op() { return *op_; }

   private:
    std::unique_ptr<OpContext> op_;
  };

  MantisStore() : engine_(EngineOptions{}) {}

  // Between loading and measuring: resizes that are under way end.
  void Settle() {
    Session session(*this);
    for (int i = 0; i < 10'000; ++i) {
      Begin(session);
      const bool more = db().index().MigrateSome(4096);
      session.op().End();
      if (!more) break;
    }
    reclaim::Drain();
  }

  template <class Visit>
  bool Get(Session& s, std::string_view key, Visit&& visit) {
    Begin(s);
    const bool found = Read(s, KeyRef::Of(key), visit);
    s.op().End();
    return found;
  }

  // Several keys in one batch, as the server runs a pipeline: each stage of fetching for all keys
  // before the next, so that their cache misses overlap.
  template <class Visit>
  size_t GetPipelined(Session& s, std::span<const std::string_view> keys, Visit&& visit) {
    Begin(s);
    const HashIndex& index = db().index();
    std::array<KeyRef, kBatch> refs;
    std::array<const Entry*, kBatch> entries;
    for (size_t i = 0; i < keys.size(); ++i) {
      refs[i] = KeyRef::Of(keys[i]);
      index.PrefetchBucket(refs[i].hash);
    }
    for (size_t i = 0; i < keys.size(); ++i) index.PrefetchArray(refs[i].hash);
    for (size_t i = 0; i < keys.size(); ++i) entries[i] = index.PrefetchEntry(refs[i].hash);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (entries[i] != nullptr) PrefetchValue(*entries[i]);
    }
    size_t found = 0;
    for (size_t i = 0; i < keys.size(); ++i) found += Read(s, refs[i], visit);
    s.op().End();
    return found;
  }

  void Put(Session& s, std::string_view key, std::string_view value) {
    Begin(s);
    Set(s, KeyRef::Of(key), value);
    s.op().End();
  }
  void Insert(Session& s, std::string_view key, std::string_view value) { Put(s, key, value); }

  bool Erase(Session& s, std::string_view key) {
    Begin(s);
    Status status = Status::kBusy;
    while (status == Status::kBusy) {
      status = db().Mutate(s.op(), KeyRef::Of(key), [](const Current& now) {
        return now.exists() ? Update::Erase("del") : Update::Keep(Status::kNotFound);
      });
    }
    s.op().End();
    return status == Status::kOk;
  }

  // All or nothing, as MSET.
  void PutBatch(Session& s, std::span<const std::string_view> keys, std::string_view value) {
    std::array<KeyLocks::Target, kBatch> targets;
    while (true) {
      Begin(s);
      for (size_t i = 0; i < keys.size(); ++i) targets[i] = {&db(), KeyRef::Of(keys[i])};
      const std::span<const KeyLocks::Target> wanted(targets.data(), keys.size());
      KeyLocks locks(s.op());
      const bool locked = locks.Acquire(wanted) == Status::kOk;
      if (locked) {
        for (const KeyLocks::Target& target : wanted) Set(s, target.second, value);
      }
      locks.Release();
      s.op().End();
      if (locked) return;
      std::this_thread::yield();
    }
  }

  // Visits keys and values from `prefix` on, in order, as far as they begin with it.
  template <class Visit>
  size_t ScanPrefix(Session& s, std::string_view prefix, Visit&& visit) {
    std::string successor(prefix);
    ++successor.back();  // a digit, hence never the largest byte
    return Scan(s, RangeBound::Including(prefix), RangeBound::Excluding(successor), visit);
  }
  template <class Visit>
  size_t ScanAll(Session& s, Visit&& visit) {
    return Scan(s, RangeBound::None(), RangeBound::None(), visit);
  }
  template <class Visit>
  size_t ScanKeys(Session& s, Visit&& visit) {
    Begin(s);
    size_t n = 0;
    db().ordered().Scan(RangeBound::None(), RangeBound::None(), [&](std::span<Entry* const> run) {
      for (const Entry* e : run) PrefetchKey(*e);
      for (const Entry* e : run) {
        if (!Resolve(e->word()).exists()) continue;
        visit(e->key());
        ++n;
      }
      return true;
    });
    s.op().End();
    return n;
  }

  // Evicts least recently used keys from here on rather than grow.
  void LimitToPresentSize() {
    CacheOptions options;
    options.max_bytes = memory::UsedBytes();
    options.policy = EvictionPolicy::kAllKeysLru;
    engine_.cache().SetOptions(options);
  }
  void PutEvicting(Session& s, std::string_view key, std::string_view value) {
    while (true) {
      Begin(s);
      const Cache::Room room = engine_.cache().MakeRoom(engine_, s.op());
      if (room != Cache::Room::kWait) Set(s, KeyRef::Of(key), value);
      s.op().End();
      if (room != Cache::Room::kWait) return;
      std::this_thread::yield();
    }
  }
  size_t size() { return db().size(); }

 private:
  Database& db() { return engine_.database(0); }

  static void Begin(Session& s) {
    while (!s.op().TryBegin()) std::this_thread::yield();
  }

  static void PrefetchKey(const Entry& e) {
    e.PrefetchHeader();
    __builtin_prefetch(reinterpret_cast<const char*>(&e + 1) + kKeySize - 1);
  }
  static void PrefetchValue(const Entry& e) {
    const Word w = e.word();
    if (w.kind() != Kind::kString) return;
    // A value of kValueSize bytes may reach into the next line.
    __builtin_prefetch(w.pointer<char>());
    __builtin_prefetch(w.pointer<char>() + kValueSize + sizeof(Blob) - 1);
  }

  template <class Visit>
  bool Read(Session& s, const KeyRef& key, Visit&& visit) {
    StringRef value;
    if (db().GetString(s.op(), key, &value) != Status::kOk) return false;
    std::array<char, 24> digits;
    visit(key.bytes, value.Text(digits));
    return true;
  }

  void Set(Session& s, const KeyRef& key, std::string_view value) {
    const auto update = [&](const Current& now) {
      return Update::Set(MakeString(value, now.value), kNoDeadline, "set");
    };
    while (db().Mutate(s.op(), key, update) == Status::kBusy) {
    }
  }

  template <class Visit>
  size_t Scan(Session& s, const RangeBound& min, const RangeBound& max, Visit&& visit) {
    Begin(s);
    size_t n = 0;
    db().ordered().Scan(min, max, [&](std::span<Entry* const> run) {
      for (const Entry* e : run) PrefetchKey(*e);
      for (Entry* e : run) PrefetchValue(*e);
      for (Entry* e : run) {
        const Current c = Resolve(e->word());
        if (!c.exists()) continue;
        std::array<char, 24> digits;
        visit(e->key(), StringRef(c.value).Text(digits));
        ++n;
      }
      return true;
    });
    s.op().End();
    return n;
  }

  reclaim::Runtime runtime_;
  Engine engine_;
};

}  // namespace mantis::bench
