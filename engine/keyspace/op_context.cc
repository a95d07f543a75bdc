#include "engine/keyspace/op_context.h"

#include <random>

#include "engine/keyspace/engine.h"

namespace mantis {

OpContext::OpContext(Engine& engine) : engine_(engine), now_ms_(WallClockMs()) {
  std::random_device device;
  random_state_ = (static_cast<uint64_t>(device()) << 32 | device()) | 1;
}

OpContext::~OpContext() = default;

bool OpContext::TryBegin() {
  section_.emplace();
  // After the section was entered: the gate's owner first closes it and then waits for sections,
  // so either it waits for this one or this one sees the gate closed.
  const OpContext* gate = engine_.gate_.load(std::memory_order_seq_cst);
  if (gate != nullptr && gate != this) {
    section_.reset();
    return false;
  }
  now_ms_ = WallClockMs();
  return true;
}

void OpContext::End() {
  BuryTombs();
  places_.Clear();
  section_.reset();
  reclaim::Poll();
}

void OpContext::BuryTombs() {
  // In the section in which the entries became absent: until it ends they cannot be freed, though
  // another thread may revive and bury them.
  if (tombs_.size() > 1) {
    for (const auto& [db, entry] : tombs_)
      db->index().PrefetchBucket(HashIndex::Hash(entry->key()));
    for (const auto& [db, entry] : tombs_) db->index().PrefetchArray(HashIndex::Hash(entry->key()));
  }
  for (const auto& [db, entry] : tombs_) db->Bury(entry);
  tombs_.clear();
}

bool OpContext::TryCloseGate() {
  OpContext* expected = nullptr;
  if (!engine_.gate_.compare_exchange_strong(expected, this, std::memory_order_seq_cst)) {
    return false;
  }
  reclaim::Synchronize();
  section_.emplace();
  now_ms_ = WallClockMs();
  AdjustLockDepth(1);
  return true;
}

bool OpContext::alone() const { return engine_.gate_.load(std::memory_order_relaxed) == this; }

void OpContext::OpenGate() {
  places_.Clear();
  AdjustLockDepth(-1);
  BuryTombs();
  section_.reset();
  engine_.gate_.store(nullptr, std::memory_order_seq_cst);
  reclaim::Poll();
}

}  // namespace mantis
