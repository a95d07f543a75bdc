// What a core measures of itself now and then: rates and its clients' memory.
//
// Thread safety: on the core's own thread; the results are atomics in CoreStats.
#pragma once

namespace mantis::server {

struct CoreContext;

// Called by the core's timer about every 100 ms.
void SampleRates(CoreContext& core);
// Walks the core's connections; called about once a second.
void SampleClients(CoreContext& core);

}  // namespace mantis::server
