// What a core does by the clock: expiry, index upkeep, freeing, idle clients, samples.
//
// Two timers. The round comes `hz` times a second. The expiry timer comes when the next known
// deadline is due, and often while commands are being executed, as those set deadlines nobody told
// us of; an idle server wakes for rounds and deadlines only.
//
// Thread safety: the core's thread only, outside of any batch.
// Ownership: owned by the runtime, one per core; its timers must be stopped before the loop ends.
// Bounds: expired keys are deleted in slices of about a millisecond, connections being served in
// between.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>

namespace mantis::server {

struct CoreContext;

class Housekeeping {
 public:
  explicit Housekeeping(CoreContext& core);

  void Start();
  void Stop();

 private:
  void ArmRound();
  void Round();
  void LookAfterClients();

  void ExpireSlice();
  // Deletes due keys for at most a slice's time. True: there may be more.
  bool DeleteDue();
  // Milliseconds until the expiry timer is to come next.
  int64_t ExpiryDelayMs();
  int64_t NextDeadline();
  int64_t CommandsExecuted() const;

  CoreContext& core_;
  boost::asio::steady_timer round_timer_;
  boost::asio::steady_timer expiry_timer_;
  bool stopped_ = false;
  int64_t last_sample_ms_ = 0;
  int64_t last_second_ms_ = 0;
  int64_t commands_seen_ = 0;
};

}  // namespace mantis::server
