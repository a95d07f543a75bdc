// In-process benchmarks: the engine beside other ordered concurrent maps (stores.h).
//
//   engine_bench [--quick] [--10m] [--cpu-time] [--markdown] [Google Benchmark's flags]
//   engine_bench memory                bytes per key of each structure
//
// --10m: 10,000,000 keys instead of the smaller numbers (several minutes and 3 GB); --cpu-time: CPU
// time of the busiest thread instead of the time that passed, for a machine with other work.
//
// Every benchmark is a sequence of passes over a share of the keys, in an order that has nothing
// to do with the order of insertion; a pass makes its own threads and takes its own time. Reads
// and overwrites share one loaded structure; insertion fills an empty one, deletion empties a
// full one, eviction inserts into a full one that may not grow.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/base/memory.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/mantis_store.h"
#include "tests/bench/stores.h"
#include "tests/bench/workload.h"

namespace mantis::bench {
namespace {

// A pass over a small structure is repeated up to this many operations, one over a large structure
// ends there.
constexpr size_t kPassOperations = 400'000;
constexpr size_t kPassScans = 10'000;

const std::string kValue(kValueSize, 'v');

// What is expensive to make, kept until something else is needed.
struct Fixture {
  size_t keys = 0;
  std::unique_ptr<KeyPool> inserted;  // in the order of insertion
  std::unique_ptr<KeyPool> accessed;  // the same keys in another order
  std::unique_ptr<KeyPool> fresh;     // other keys
  std::function<void()> drop_store;
};

Fixture& TheFixture(size_t keys) {
  static Fixture fixture;
  if (fixture.keys != keys) {
    if (fixture.drop_store) fixture.drop_store();
    fixture.drop_store = nullptr;
    fixture.keys = keys;
    fixture.inserted = std::make_unique<KeyPool>(0, keys, 1);
    fixture.accessed = std::make_unique<KeyPool>(0, keys, 2);
    fixture.fresh = std::make_unique<KeyPool>(keys, std::min(keys, kPassOperations), 3);
  }
  return fixture;
}

void DropStore(Fixture& fixture) {
  if (fixture.drop_store) fixture.drop_store();
  fixture.drop_store = nullptr;
}

template <class Store>
double Fill(Store& store, const KeyPool& keys, size_t threads) {
  const auto session = [&] { return typename Store::Session(store); };
  return TimeThreads(threads, session, [&](typename Store::Session& s, size_t t) {
    const Share share(keys.size(), threads, t);
    for (size_t i = share.first; i < share.last; ++i) store.Insert(s, keys[i], kValue);
  });
}

template <class Store>
std::unique_ptr<Store>& Slot() {
  static std::unique_ptr<Store> slot;
  return slot;
}

// The loaded structure, as the last benchmark left it if that only read and overwrote.
template <class Store>
Store& Loaded(Fixture& fixture) {
  auto& slot = Slot<Store>();
  if (slot == nullptr) {
    DropStore(fixture);
    slot = std::make_unique<Store>();
    Fill(*slot, *fixture.inserted, 1);
    slot->Settle();
    fixture.drop_store = [] { Slot<Store>().reset(); };
  }
  return *slot;
}

struct Sink {
  size_t sum = 0;
  void operator()(std::string_view key, std::string_view value) {
    sum += static_cast<unsigned char>(key.back()) + static_cast<unsigned char>(value.back());
  }
};

// One pass of an operation on the keys of the access order, in pieces of `step`. The operation
// gets the session, the number of the first key, and a sink; it answers how many keys it found.
template <class Store, class Operation>
void Pass(benchmark::State& state, size_t keys, size_t threads, size_t step, size_t most,
          Operation&& operation) {
  Fixture& fixture = TheFixture(keys);
  Store& store = Loaded<Store>(fixture);
  const auto session = [&] { return typename Store::Session(store); };
  const size_t count = std::min(keys / step, most / step);
  const size_t rounds = std::max<size_t>(1, most / 2 / (count * step));
  std::atomic<size_t> found{0};
  for (auto _ : state) {
    state.SetIterationTime(TimeThreads(threads, session, [&](auto& s, size_t t) {
      const Share share(count, threads, t);
      size_t mine = 0;
      Sink sink;
      for (size_t round = 0; round < rounds; ++round) {
        for (size_t i = share.first; i < share.last; ++i) {
          mine += operation(store, s, *fixture.accessed, i * step, sink);
        }
      }
      benchmark::DoNotOptimize(sink.sum);
      found += mine;
    }));
  }
  state.SetItemsProcessed(static_cast<int64_t>(found));
  if (found == 0) state.SkipWithError("nothing was found");
}

template <class Store>
void Get(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, 1, kPassOperations,
              [](Store& store, auto& s, const KeyPool& pool, size_t i, Sink& sink) -> size_t {
                return store.Get(s, pool[i], sink) ? 1 : 0;
              });
}

std::array<std::string_view, kBatch> BatchOf(const KeyPool& pool, size_t first) {
  std::array<std::string_view, kBatch> batch;
  for (size_t i = 0; i < kBatch; ++i) batch[i] = pool[first + i];
  return batch;
}

void GetPipelined(benchmark::State& state, size_t keys, size_t threads) {
  Pass<MantisStore>(state, keys, threads, kBatch, kPassOperations,
                    [](MantisStore& store, auto& s, const KeyPool& pool, size_t i, Sink& sink) {
                      return store.GetPipelined(s, BatchOf(pool, i), sink);
                    });
}

template <class Store>
void Put(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, 1, kPassOperations,
              [](Store& store, auto& s, const KeyPool& pool, size_t i, Sink&) -> size_t {
                store.Put(s, pool[i], kValue);
                return 1;
              });
}

template <class Store>
void PutBatch(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, kBatch, kPassOperations,
              [](Store& store, auto& s, const KeyPool& pool, size_t i, Sink&) {
                store.PutBatch(s, BatchOf(pool, i), kValue);
                return kBatch;
              });
}

template <class Store>
void ScanPrefix(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, 1, kPassScans,
              [](Store& store, auto& s, const KeyPool& pool, size_t i, Sink& sink) {
                return store.ScanPrefix(s, pool[i].substr(0, kPrefixSize), sink);
              });
}

// Every thread walks everything.
template <class Store>
void ScanAll(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, keys / threads, std::max(keys, kPassOperations),
              [](Store& store, auto& s, const KeyPool&, size_t, Sink& sink) {
                return store.ScanAll(s, sink);
              });
}

template <class Store>
void ScanKeys(benchmark::State& state, size_t keys, size_t threads) {
  Pass<Store>(state, keys, threads, keys / threads, std::max(keys, kPassOperations),
              [](Store& store, auto& s, const KeyPool&, size_t, Sink& sink) {
                return store.ScanKeys(s, [&](std::string_view key) {
                  sink.sum += static_cast<unsigned char>(key.back());
                });
              });
}

template <class Store>
void Insert(benchmark::State& state, size_t keys, size_t threads) {
  Fixture& fixture = TheFixture(keys);
  DropStore(fixture);
  for (auto _ : state) {
    Store store;
    state.SetIterationTime(Fill(store, *fixture.inserted, threads));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(keys));
}

template <class Store>
void Delete(benchmark::State& state, size_t keys, size_t threads) {
  Fixture& fixture = TheFixture(keys);
  DropStore(fixture);
  std::atomic<size_t> deleted{0};
  for (auto _ : state) {
    Store store;
    Fill(store, *fixture.inserted, 1);
    store.Settle();
    const auto session = [&] { return typename Store::Session(store); };
    state.SetIterationTime(TimeThreads(threads, session, [&](auto& s, size_t t) {
      const Share share(keys, threads, t);
      size_t mine = 0;
      for (size_t i = share.first; i < share.last; ++i) {
        mine += store.Erase(s, (*fixture.accessed)[i]) ? 1 : 0;
      }
      deleted += mine;
    }));
  }
  state.SetItemsProcessed(static_cast<int64_t>(deleted));
  if (deleted != static_cast<size_t>(state.iterations()) * keys)
    state.SkipWithError("keys were missing");
}

void Evict(benchmark::State& state, size_t keys, size_t threads) {
  Fixture& fixture = TheFixture(keys);
  DropStore(fixture);
  const KeyPool& fresh = *fixture.fresh;
  for (auto _ : state) {
    MantisStore store;
    Fill(store, *fixture.inserted, 1);
    store.Settle();
    store.LimitToPresentSize();
    const auto session = [&] { return MantisStore::Session(store); };
    state.SetIterationTime(TimeThreads(threads, session, [&](MantisStore::Session& s, size_t t) {
      const Share share(fresh.size(), threads, t);
      for (size_t i = share.first; i < share.last; ++i) store.PutEvicting(s, fresh[i], kValue);
    }));
    // Values of the same size take the place of the evicted ones, nearly one for one.
    if (store.size() > keys + fresh.size() / 2) state.SkipWithError("too little was evicted");
    if (store.size() < keys / 2) state.SkipWithError("too much was evicted");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(fresh.size()));
}

using Function = void (*)(benchmark::State&, size_t keys, size_t threads);

void Register(const std::string& operation, size_t keys, const char* structure, Function f,
              double seconds) {
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    const std::string name =
        operation + "/" + std::to_string(keys) + "/" + std::to_string(threads) + "/" + structure;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=](benchmark::State& state) { f(state, keys, threads); })
        ->UseManualTime()
        ->MinTime(seconds)
        ->Unit(benchmark::kMillisecond);
  }
}

template <class Store>
void RegisterStore(size_t keys, double seconds) {
  const char* const name = Store::kName;
  Register("get", keys, name, &Get<Store>, seconds);
  if constexpr (std::is_same_v<Store, MantisStore>) {
    Register("get, pipelined 16", keys, name, &GetPipelined, seconds);
  }
  Register("put, existing", keys, name, &Put<Store>, seconds);
  Register("batch put of 16", keys, name, &PutBatch<Store>, seconds);
  if constexpr (Store::kSeeks) {
    Register("prefix scan of 100 with values", keys, name, &ScanPrefix<Store>, seconds);
  }
  Register("scan of all keys", keys, name, &ScanKeys<Store>, seconds);
  Register("scan of all keys with values", keys, name, &ScanAll<Store>, seconds);
  Register("insert", keys, name, &Insert<Store>, seconds);
  if constexpr (Store::kErases) Register("delete", keys, name, &Delete<Store>, seconds);
  // With few keys, memory that waits for its grace period would be most of what there is.
  if constexpr (std::is_same_v<Store, MantisStore>) {
    if (keys >= 100'000) Register("insert and evict", keys, name, &Evict, seconds);
  }
}

template <class Store>
void PrintMemory(size_t keys) {
  const KeyPool pool(0, keys, 1);
  const int64_t before = memory::UsedBytes();
  auto store = std::make_unique<Store>();
  Fill(*store, pool, 1);
  store->Settle();
  const int64_t used = memory::UsedBytes() - before;
  std::printf("| %s | %.1f |\n", Store::kName,
              static_cast<double>(used) / static_cast<double>(keys));
}

int Memory() {
  constexpr size_t kKeys = 1'000'000;
  std::printf("%zu keys of %zu bytes with values of %zu bytes:\n\n", kKeys, kKeySize, kValueSize);
  std::printf("| structure | bytes per key |\n| --- | ---: |\n");
  PrintMemory<MantisStore>(kKeys);
  PrintMemory<StdMapStore>(kKeys);
  PrintMemory<TbbStore>(kKeys);
  PrintMemory<CdsStore>(kKeys);
  return 0;
}

struct Options {
  bool quick = false;
  bool ten_million = false;
  bool markdown = false;
  bool memory = false;
};

// Takes our own arguments out of argv; the rest is Google Benchmark's.
Options TakeOptions(int* argc, char** argv) {
  Options options;
  int kept = 1;
  for (int i = 1; i < *argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      options.quick = true;
    } else if (std::strcmp(argv[i], "--10m") == 0) {
      options.ten_million = true;
    } else if (std::strcmp(argv[i], "--markdown") == 0) {
      options.markdown = true;
    } else if (std::strcmp(argv[i], "--cpu-time") == 0) {
      use_cpu_time = true;
    } else if (std::strcmp(argv[i], "memory") == 0) {
      options.memory = true;
    } else {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  return options;
}

int Main(int argc, char** argv) {
  const Options options = TakeOptions(&argc, argv);
  if (options.memory) return Memory();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::vector<size_t> sizes = {1'000, 100'000, 1'000'000};
  if (options.quick) sizes.pop_back();
  if (options.ten_million) sizes = {10'000'000};
  const double seconds = options.quick ? 0.02 : 0.2;
  for (const size_t keys : sizes) {
    RegisterStore<MantisStore>(keys, seconds);
    RegisterStore<StdMapStore>(keys, seconds);
    RegisterStore<TbbStore>(keys, seconds);
    RegisterStore<CdsStore>(keys, seconds);
  }
  TableReporter reporter(
      {MantisStore::kName, StdMapStore::kName, TbbStore::kName, CdsStore::kName});
  if (options.markdown) {
    // Only the tables go to the standard output.
    reporter.SetOutputStream(&std::cerr);
    reporter.SetErrorStream(&std::cerr);
  }
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::fputs(reporter.Markdown().c_str(), stdout);
  DropStore(TheFixture(0));
  return 0;
}

}  // namespace
}  // namespace mantis::bench

int main(int argc, char** argv) { return mantis::bench::Main(argc, argv); }
