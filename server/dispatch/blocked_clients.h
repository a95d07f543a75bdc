// The clients of one core whose commands wait for keys: their timeouts, their end, and the way back
// of what their commands got, wherever these were served.
//
// Of all who want to end a wait (somebody serves it, its time is over, CLIENT UNBLOCK, the
// connection closes) one wins and answers the client; the others find nothing to do. See waiter.h.
//
// Thread safety: the core's thread, except for Unblock and what BlockedCommand says.
// Ownership: holds its blocked commands, together with the interest table and, while it is blocked,
// the client.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "server/dispatch/blocking.h"
#include "server/dispatch/detached_command.h"
#include "server/dispatch/waiter.h"

namespace mantis::server {

class BlockedCommand final : public Waiter, public std::enable_shared_from_this<BlockedCommand> {
 public:
  BlockedCommand(const CommandContext& c, std::vector<std::string> keys, Wish wish,
                 const BlockOptions& options);

  // On the thread that has claimed it.
  Attempt Try(OpContext& ctx, CoreContext* core) override;
  void Served() override;
  // Any thread.
  void RetrySoon() override;

  DetachedCommand& command() { return command_; }
  // 0: none.
  int64_t deadline_us() const { return deadline_us_; }

 private:
  Attempt Take(CoreContext& core);
  bool FailedOnType(CoreContext& core) const;

  DetachedCommand command_;
  const int64_t deadline_us_;  // monotonic
};

class BlockedClients {
 public:
  explicit BlockedClients(CoreContext& core);
  ~BlockedClients();

  // Makes the client of `c` wait.
  void Block(CommandContext& c, std::span<const Bytes> keys, const BlockOptions& options);
  // The client is killed or its connection closes: its command was served before, or takes nothing
  // any more. Waits for a try on another core that takes at this moment (see waiter.h).
  void Drop(Client& client);

  // CLIENT UNBLOCK, from any thread inside a batch of `ctx`. False: it does not wait (any more).
  enum class Reason : uint8_t { kTimeout, kError };
  bool Unblock(OpContext& ctx, uint64_t client_id, Reason reason);

  // Serves what this thread has made ready, inside the core's batch; what is more than a turn's
  // work comes in turns of its own. Also of a worker's core, which has no clients.
  void ServeReady();
  // Has the waiter's keys served at the loop's next turn, or a moment later.
  void Retry(const Waiter& waiter);
  void RetryLater(std::shared_ptr<Waiter> waiter);
  // How many of the waits have a time limit. Any thread; O(waits).
  size_t CountTimeouts();
  // The command is done, and its reply there: gives it to the client if it still is.
  void Finish(BlockedCommand& blocked);

 private:
  using Deadline = std::pair<int64_t, uint64_t>;  // monotonic us, client id

  std::shared_ptr<BlockedCommand> Find(uint64_t client_id);
  void Forget(uint64_t client_id, const BlockedCommand& blocked);
  void ArmTimer();
  void OnTimer();
  void ArmRetry();
  // Serves what is ready in a batch of its own; returns false if somebody has the gate.
  bool TryServe();
  void OnRetry();
  void ServeSoon();

  CoreContext& core_;
  std::mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<BlockedCommand>> by_client_;  // under mutex_
  absl::btree_set<Deadline> deadlines_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer retry_timer_;
  int64_t armed_for_us_ = INT64_MAX;
  bool retry_armed_ = false;
  bool serve_queued_ = false;
  std::vector<std::shared_ptr<Waiter>> retries_;
};

// Serves what the current thread has made ready, if anything. Inside the core's batch, with no
// locks held, whenever a command or anything else that changes keys has ended.
void ServeReadyKeys(CoreContext& core);

}  // namespace mantis::server
