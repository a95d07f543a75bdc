// The server's side of the reserve of memory (engine/base/allocation_failure.h): how large it is,
// and what happens while it is spent. The condition kMemoryShort then has commands that need memory
// refused, so that what is left of the reserve is for those that do not, deleting above all.
//
// Thread safety: any thread; StartMemoryReserve before threads begin.
#pragma once

namespace mantis::server {

struct CoreContext;
struct SharedState;

void StartMemoryReserve(SharedState& shared);
// `shared` is about to end.
void StopMemoryReserve();
// Every now and then, on each core: while the reserve is spent, gives free memory back to the
// system; the first core takes the reserve anew, once that works.
void RefillMemoryReserve(CoreContext& core);

}  // namespace mantis::server
