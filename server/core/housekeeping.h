// What a core does by the clock: expiry, index upkeep, freeing, idle clients, samples.
//
// A round comes `hz` times a second. Expired keys are deleted when they are due: after commands
// have run, and at every round, the nearest deadline is looked up, and if it comes before the next
// round the expiry timer is set for it. So an idle server wakes for rounds and deadlines only.
// Cores delete the keys of their own share first and then help the others.
// Keys are evicted by who writes (engine/cache/eviction.h); a round takes over where memory is
// above the limit and nobody writes.
//
// Thread safety: the core's thread only, outside of any batch.
// Ownership: owned by the runtime, one per core; its timers must be stopped before the loop ends.
// Bounds: expired keys are deleted in slices of about a millisecond, connections being served in
// between.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>

#include "engine/base/clock.h"
#include "server/core/core_context.h"

namespace mantis::server {

class Housekeeping {
 public:
  explicit Housekeeping(CoreContext& core);

  void Start();
  void Stop();

  // Commands have run, which may have set deadlines.
  void NoticeCommands() {
    if (core_.now_ms >= look_again_ms_) [[unlikely]]
      LookForDeadlines();
  }

 private:
  void ArmRound();
  void Round();
  void LookAfterClients();
  void SweepInterests();

  void EvictSlice();
  void ExpireSlice();
  // Deletes due keys for at most a slice's time. True: there may be more.
  bool DeleteDue();
  // Sets the expiry timer if the nearest deadline comes before the next round.
  void LookForDeadlines();
  void ArmExpiry(int64_t delay_ms);
  int64_t NextDeadline();
  int64_t RoundMs() const;

  CoreContext& core_;
  boost::asio::steady_timer round_timer_;
  boost::asio::steady_timer expiry_timer_;
  bool stopped_ = false;
  int64_t last_sample_ms_ = 0;
  int64_t last_second_ms_ = 0;
  int64_t look_again_ms_ = 0;  // not looked for deadlines before then
  int64_t armed_for_ms_ =
      kNoDeadline;  // when the expiry timer comes, kNoDeadline while it is not set
  bool slice_queued_ = false;
  bool evict_queued_ = false;
};

}  // namespace mantis::server
