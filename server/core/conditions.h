// What makes the whole server refuse or drop commands: it loads its data, the last background save
// failed, the data is saved for the exit, there is no memory left. One word, so that the dispatcher
// pays a single load for the ordinary case, in which there is nothing.
//
// Thread safety: any thread. A core notices a change at its next command; who needs every core to
// have noticed changes a condition while it holds the global gate.
#pragma once

#include <atomic>
#include <cstdint>

namespace mantis::server {

enum class Condition : uint32_t {
  kLoading = 1u << 0,     // the snapshot is being loaded
  kSaveFailed = 1u << 1,  // the last background save failed (rdb_last_bgsave_status)
  // The final snapshot is written: a change could not be kept any more, so none is made.
  kSealed = 1u << 2,
  // The reserve of memory is spent (engine/base/allocation_failure.h): nothing that needs memory.
  kMemoryShort = 1u << 3,
};

class Conditions {
 public:
  void Set(Condition c) { bits_.fetch_or(static_cast<uint32_t>(c)); }
  void Clear(Condition c) { bits_.fetch_and(~static_cast<uint32_t>(c)); }
  // Relaxed: what a condition protects is protected by the gate, see above.
  bool none() const { return bits_.load(std::memory_order_relaxed) == 0; }
  bool Has(Condition c) const {
    return (bits_.load(std::memory_order_relaxed) & static_cast<uint32_t>(c)) != 0;
  }

 private:
  std::atomic<uint32_t> bits_{0};
};

}  // namespace mantis::server
