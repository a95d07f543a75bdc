// Client eviction: the memory of all clients together is bounded, and where it goes beyond that
// the client that holds most of it is closed, and the next one, until it is within.
//
// The bound is maxmemory-clients, as in Redis. Where that is not set there is one all the same, a
// quarter of the memory that the process may use: clients that do not read their replies must not
// end the server (docs/decisions/0011). CLIENT NO-EVICT spares a client of the first, not of the
// second.
//
// One round is under way at a time: it asks every core for its largest client, has the largest of
// them closed on its core, and looks again. A round that finds nobody to close is followed by
// another one only after a while.
//
// Thread safety: any core's thread.
// Units: bytes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace mantis::config {
struct Settings;
}

namespace mantis::server {

struct CoreContext;
struct SharedState;

class ClientEviction {
 public:
  // `usable_memory`: what the process may use, see UsableMemory().
  ClientEviction(SharedState& shared, int64_t usable_memory);

  void Configure(const config::Settings& settings);

  // The clients' memory has changed by `bytes`.
  void Add(int64_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  int64_t held() const { return held_.load(std::memory_order_relaxed); }
  int64_t bound() const { return bound_.load(std::memory_order_relaxed); }
  // What one reply may come to: more than that no client can hold.
  size_t ReplyMax() const { return static_cast<size_t>(std::max(bound(), kReplyMaxLeast)); }
  // Begins a round on `core` if clients hold too much and none is under way.
  void Check(CoreContext& core) {
    if (held() >= bound()) [[unlikely]]
      Begin(core);
  }
  // Every now and then: looks again although there was nobody to close.
  void LookAgain(CoreContext& core);

 private:
  // maxmemory-clients may be small, and then bounds what is kept, but a client that reads gets its
  // reply.
  static constexpr int64_t kReplyMaxLeast = int64_t{64} << 20;
  enum class State : uint8_t { kIdle, kUnderWay, kFruitless };

  void Begin(CoreContext& core);
  void Choose(const std::vector<std::string>& answers);
  void Close(CoreContext& core, uint64_t client_id);

  SharedState& shared_;
  const int64_t protective_bound_;
  // Relaxed, all of them: figures that order nothing.
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> bound_;
  std::atomic<bool> set_by_user_{false};
  std::atomic<State> state_{State::kIdle};
};

}  // namespace mantis::server
