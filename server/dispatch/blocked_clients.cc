#include "server/dispatch/blocked_clients.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "engine/base/allocation_failure.h"
#include "engine/base/clock.h"
#include "engine/keyspace/lock_waiters.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/dispatcher.h"
#include "server/dispatch/interest_table.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

using std::chrono::microseconds;

// How many blocked commands are tried before the core's other clients get their turn.
constexpr size_t kTriesPerTurn = 512;
constexpr int64_t kTimerMaxUs = 3600 * int64_t{1'000'000};
constexpr auto kRetryInterval = microseconds(500);

constexpr std::string_view kUnblockedError = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

int64_t DeadlineAfter(int64_t timeout_ms) {
  if (timeout_ms <= 0) return 0;
  int64_t us = 0;
  if (__builtin_mul_overflow(timeout_ms, 1000, &us)) return 0;
  if (__builtin_add_overflow(us, MonotonicUs(), &us)) return 0;
  return us;
}

// What the family's commands take; they have no use for keys of another type.
ValueType TypeWanted(const CommandRow& row) {
  if (row.group == "list") return ValueType::kList;
  if (row.group == "sorted-set") return ValueType::kSortedSet;
  if (row.group == "stream") return ValueType::kStream;
  return ValueType::kNone;
}

Waiter::Wish WishOf(const CommandContext& c, const BlockOptions& options) {
  const ValueType type = TypeWanted(*c.command->row);
  return {.type = type, .takes = type != ValueType::kStream, .when_gone = options.wake_when_gone};
}

std::vector<std::string> Distinct(std::span<const Bytes> keys) {
  std::vector<std::string> out;
  absl::flat_hash_set<Bytes> seen;
  for (const Bytes key : keys) {
    if (seen.insert(key).second) out.emplace_back(key);
  }
  return out;
}

}  // namespace

BlockedCommand::BlockedCommand(const CommandContext& c, std::vector<std::string> keys, Wish wish,
                               const BlockOptions& options)
    : Waiter(c.client.db, std::move(keys), wish),
      command_(c, options.retry_as.empty() ? c.args : options.retry_as),
      deadline_us_(DeadlineAfter(options.timeout_ms)) {}

Waiter::Attempt BlockedCommand::Try(OpContext& ctx, CoreContext* core) {
  LockWaiters::ForgetObstacle();
  std::vector<KeyUse> keys;
  if (!FindKeys(*command_.command().row, command_.args(), &keys)) return Attempt::kWaits;
  std::vector<KeyLocks::Target> targets;
  targets.reserve(keys.size());
  Database& database = ctx.engine().database(db());
  for (const KeyUse& use : keys) targets.emplace_back(&database, KeyRef::Of(use.key));
  KeyLocks locks(ctx);
  if (locks.Acquire(targets) == Status::kBusy) return Attempt::kBusy;
  if (!BeginTaking()) return Attempt::kWaits;
  const Attempt attempt = Take(*core);
  if (attempt != Attempt::kServed) EndTaking();
  return attempt;
}

Waiter::Attempt BlockedCommand::Take(CoreContext& core) {
  switch (command_.Run(core, RunMode::kServe)) {
    case Outcome::kDone:
      if (!FailedOnType(core)) return Attempt::kServed;
      command_.DropReply();
      return Attempt::kWaits;
    case Outcome::kWaits:
      return Attempt::kWaits;
    default:
      return Attempt::kBusy;
  }
}

// A value of another type at one of its keys is none of its business, unlike at the keys that it
// would write to.
bool BlockedCommand::FailedOnType(CoreContext& core) const {
  if (wish().when_gone || !command_.reply_view().starts_with('-')) return false;
  return AnyKey([&](Bytes key) {
    Current now;
    const Status s = core.op->engine().database(db()).Get(*core.op, KeyRef::Of(key), &now,
                                                          Database::Access::kPeek);
    return s == Status::kOk && now.type() != wish().type;
  });
}

void BlockedCommand::Served() {
  CoreContext& home = command_.home();
  home.shared.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  PostTo(home, [self = shared_from_this()](CoreContext& core) { core.blocked->Finish(*self); });
}

void BlockedCommand::RetrySoon() {
  const auto self = shared_from_this();
  const bool parked = LockWaiters::Park([self] {
    PostTo(self->command_.home(), [self](CoreContext& core) { core.blocked->Retry(*self); });
  });
  if (parked) return;
  PostTo(command_.home(), [self](CoreContext& core) { core.blocked->RetryLater(self); });
}

BlockedClients::BlockedClients(CoreContext& core)
    : core_(core), timer_(core.io), retry_timer_(core.io) {}

BlockedClients::~BlockedClients() = default;

void BlockedClients::Block(CommandContext& c, std::span<const Bytes> keys,
                           const BlockOptions& options) {
  const auto blocked =
      std::make_shared<BlockedCommand>(c, Distinct(keys), WishOf(c, options), options);
  const memory::MustSucceed must;
  c.client.blocked = blocked;
  c.shared.blocked_clients.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    by_client_.emplace(c.client.id, blocked);
  }
  if (blocked->deadline_us() != 0) {
    deadlines_.emplace(blocked->deadline_us(), c.client.id);
    ArmTimer();
  }
  c.shared.interests->Enqueue(c.op, blocked);
}

std::shared_ptr<BlockedCommand> BlockedClients::Find(uint64_t client_id) {
  const std::lock_guard lock(mutex_);
  const auto it = by_client_.find(client_id);
  return it == by_client_.end() ? nullptr : it->second;
}

size_t BlockedClients::CountTimeouts() {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(by_client_.begin(), by_client_.end(), [](const auto& b) {
    return b.second->deadline_us() != 0;
  }));
}

void BlockedClients::Forget(uint64_t client_id, const BlockedCommand& blocked) {
  if (blocked.deadline_us() != 0) deadlines_.erase({blocked.deadline_us(), client_id});
  const std::lock_guard lock(mutex_);
  by_client_.erase(client_id);
}

void BlockedClients::Drop(Client& client) {
  if (client.blocked == nullptr) return;
  const std::shared_ptr<BlockedCommand> blocked = std::move(client.blocked);
  client.blocked = nullptr;
  Forget(client.id, *blocked);
  OpContext* op = core_.op->in_batch() ? &*core_.op : nullptr;
  if (core_.shared.interests->Cancel(op, *blocked)) {
    core_.shared.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  }
}

void BlockedClients::Finish(BlockedCommand& blocked) {
  const uint64_t id = blocked.command().client_id();
  const auto it = core_.connections.find(id);
  if (it == core_.connections.end()) return;
  // Delivering may close the connection, which ends the map's ownership.
  const std::shared_ptr<Connection> connection = it->second;
  Client& client = connection->client();
  if (client.blocked.get() != &blocked) return;
  const std::shared_ptr<BlockedCommand> keep = std::move(client.blocked);
  client.blocked = nullptr;
  Forget(id, blocked);
  keep->command().Deliver(DetachedCommand::Count::kAgain);
}

bool BlockedClients::Unblock(OpContext& ctx, uint64_t client_id, Reason reason) {
  const std::shared_ptr<BlockedCommand> blocked = Find(client_id);
  if (blocked == nullptr || !core_.shared.interests->Cancel(&ctx, *blocked)) return false;
  protocol::ReplyWriter& reply = blocked->command().reply();
  reason == Reason::kTimeout ? reply.NullArray() : reply.Error(kUnblockedError);
  blocked->Served();
  return true;
}

void BlockedClients::ArmTimer() {
  if (deadlines_.empty() || deadlines_.begin()->first >= armed_for_us_) return;
  armed_for_us_ = deadlines_.begin()->first;
  // Looked at again by then at the latest: Asio counts in nanoseconds, which end sooner.
  timer_.expires_after(
      microseconds(std::clamp<int64_t>(armed_for_us_ - MonotonicUs(), 0, kTimerMaxUs)));
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) OnTimer();
  });
}

void BlockedClients::OnTimer() {
  armed_for_us_ = INT64_MAX;
  const int64_t now_us = MonotonicUs();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
    const uint64_t id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const std::shared_ptr<BlockedCommand> blocked = Find(id);
    // None, or a later wait of the same client.
    if (blocked == nullptr || blocked->deadline_us() == 0 || blocked->deadline_us() > now_us) {
      continue;
    }
    if (core_.shared.interests->Cancel(nullptr, *blocked)) {
      blocked->command().reply().NullArray();
      core_.shared.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
      Finish(*blocked);
    }
  }
  ArmTimer();
}

void BlockedClients::ServeReady() {
  // A worker has no turns: what it leaves would wait for all the commands that it has to run.
  const bool worker = core_.index >= core_.shared.cores.size();
  const size_t tries = worker ? SIZE_MAX : kTriesPerTurn;
  if (!core_.shared.interests->ServeReady(*core_.op, &core_, tries)) ServeSoon();
}

bool BlockedClients::TryServe() {
  if (!TryBeginBatch(core_)) return false;
  ServeReady();
  core_.op->End();
  return true;
}

void BlockedClients::ServeSoon() {
  if (serve_queued_) return;
  serve_queued_ = true;
  boost::asio::post(core_.io, [this] {
    serve_queued_ = false;
    if (!TryServe()) ArmRetry();
  });
}

// Whether it still waits or not: others may stand behind it.
void BlockedClients::Retry(const Waiter& waiter) {
  InterestTable::Note(waiter);
  ServeSoon();
}

void BlockedClients::RetryLater(std::shared_ptr<Waiter> waiter) {
  retries_.push_back(std::move(waiter));
  ArmRetry();
}

void BlockedClients::ArmRetry() {
  if (retry_armed_) return;
  retry_armed_ = true;
  retry_timer_.expires_after(kRetryInterval);
  retry_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) OnRetry();
  });
}

void BlockedClients::OnRetry() {
  retry_armed_ = false;
  std::vector<std::shared_ptr<Waiter>> due;
  due.swap(retries_);
  // Whether they still wait or not: others may stand behind them.
  for (const auto& waiter : due) core_.shared.interests->Note(*waiter);
  if (!TryServe()) ArmRetry();
}

void ServeReadyKeys(CoreContext& core) {
  if (InterestTable::AnyReady()) core.blocked->ServeReady();
}

}  // namespace mantis::server
