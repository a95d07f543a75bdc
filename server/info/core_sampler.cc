#include "server/info/core_sampler.h"

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "server/core/core_context.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {

void SampleRates(CoreContext& core) {
  const int64_t now_us = MonotonicUs();
  CoreStats& stats = core.stats;
  stats.command_rate.Sample(now_us, stats.commands_processed.Get());
  stats.input_rate.Sample(now_us, stats.bytes_in.Get());
  stats.output_rate.Sample(now_us, stats.bytes_out.Get());
  // The peak is what calls have seen, so somebody has to look.
  if (core.index == 0) static_cast<void>(memory::UsedBytes());
}

void SampleClients(CoreContext& core) {
  size_t input_max = 0;
  size_t output_max = 0;
  for (const auto& [id, connection] : core.connections) {
    input_max = std::max(input_max, connection->input_capacity());
    output_max = std::max(output_max, connection->client().output.memory());
  }
  // Relaxed: figures for INFO, each by itself.
  constexpr auto kRelaxed = std::memory_order_relaxed;
  core.stats.input_buffer_max.store(static_cast<int64_t>(input_max), kRelaxed);
  core.stats.output_buffer_max.store(static_cast<int64_t>(output_max), kRelaxed);
}

}  // namespace mantis::server
