#include "server/core/memory_reserve.h"

#include <algorithm>
#include <atomic>

#include "engine/base/allocation_failure.h"
#include "engine/base/memory.h"
#include "server/core/core_context.h"
#include "server/core/log.h"
#include "server/core/memory_limit.h"
#include "server/core/shared_state.h"

namespace mantis::server {
namespace {

// The allocator takes segments of 32 MiB: a few of them.
constexpr int64_t kReserveBytes = int64_t{128} << 20;
// Of what the process may use at most.
constexpr int64_t kReserveShare = 8;

std::atomic<SharedState*> owner{nullptr};
// The warning about the present shortage was written.
std::atomic<bool> told{false};

void NoteSpent() {
  if (SharedState* const shared = owner.load()) shared->conditions.Set(Condition::kMemoryShort);
}

}  // namespace

void StartMemoryReserve(SharedState& shared) {
  owner = &shared;
  memory::OnReserveSpent(NoteSpent);
  (void)memory::FillReserve(
      static_cast<size_t>(std::min(kReserveBytes, UsableMemory() / kReserveShare)));
}

void StopMemoryReserve() { owner = nullptr; }

void RefillMemoryReserve(CoreContext& core) {
  Conditions& conditions = core.shared.conditions;
  if (!conditions.Has(Condition::kMemoryShort)) return;
  if (!told.exchange(true)) {
    LogWarning(
        "The system has no memory left for the server: commands that need memory are refused until "
        "some is free. Set maxmemory below what the process can have.");
  }
  memory::PurgeAll();
  if (core.index != 0 || !memory::FillReserve()) return;
  conditions.Clear(Condition::kMemoryShort);
  // It may have been given up in between.
  if (memory::ReserveSpent()) return conditions.Set(Condition::kMemoryShort);
  told = false;
  LogNotice("There is memory again: commands that need it are accepted");
}

}  // namespace mantis::server
