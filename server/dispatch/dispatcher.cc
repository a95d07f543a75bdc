#include "server/dispatch/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/base/cycle_clock.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/accounting.h"
#include "server/dispatch/argument_memory.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/detached_command.h"
#include "server/dispatch/refusal.h"
#include "server/dispatch/transaction.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

constexpr std::string_view kOomError = "OOM command not allowed when used memory > 'maxmemory'.";

constexpr std::string_view kNoMemoryError =
    "OOM command not allowed: the system has no memory for it";

constexpr std::string_view kLoadingError = "LOADING Redis is loading the dataset in memory";
constexpr std::string_view kSaveFailedError =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. Commands that may modify the data set are disabled, because this instance is configured "
    "to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error "
    "option). Please check the Redis logs for details about the RDB error.";

// How often a worker asks for the gate.
constexpr std::chrono::microseconds kGateRetry(100);

// Changes are not kept any more once the final snapshot is written: the connection ends instead.
bool IsSealed(const Conditions& conditions, uint32_t flags) {
  return conditions.Has(Condition::kSealed) && (flags & (kWrite | kMayReplicate)) != 0;
}

// Redis's stop-writes-on-bgsave-error.
bool MustReportFailedSave(CoreContext& core, uint32_t flags) {
  const config::Settings& settings = core.settings();
  return core.shared.conditions.Has(Condition::kSaveFailed) &&
         (flags & (kWrite | kTellsSaveFailed)) != 0 && settings.stop_writes_on_bgsave_error &&
         !settings.save.empty();
}

bool Paused(const SharedState& shared, uint32_t flags, int64_t now_ms) {
  const PauseMode mode = shared.pause_mode.load(std::memory_order_relaxed);
  if (mode == PauseMode::kNone || (flags & kRunsInPause) != 0) return false;
  if (now_ms >= shared.pause_until_ms.load(std::memory_order_relaxed)) return false;
  return mode == PauseMode::kAll || (flags & (kWrite | kMayReplicate)) != 0;
}

// A client whose command is held back counts as blocked.
void NotePaused(SharedState& shared, Client& client, bool paused) {
  client.paused = paused;
  if (paused) {
    shared.blocked_clients.fetch_add(1, std::memory_order_relaxed);
  } else {
    shared.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  }
}

// CLIENT REPLY OFF and SKIP: what was written since `mark` is dropped.
void ApplyReplyMode(Client& client, const ClientOutput::Mark& mark) {
  if (client.reply_mode == ReplyMode::kOff || client.reply_skip_now) client.output.Rewind(mark);
}

}  // namespace

Database& CommandContext::db() { return engine.database(client.db); }

bool TryBeginBatch(CoreContext& core) {
  if (!core.op->TryBegin()) return false;
  core.now_ms = core.op->now_ms();
  return true;
}

void ReplyNoMemory(Client& client, const ClientOutput::Mark& mark) {
  client.output.Rewind(mark);
  client.reply.Error(kNoMemoryError);
}

void BeginBatch(CoreContext& core) {
  // Waits for whoever has the gate; this thread is in no read section and holds nothing.
  while (!TryBeginBatch(core)) std::this_thread::yield();
}

namespace {

// While the gate is closed for `c`: opens it at its end, and begins the batch anew.
class AloneScope {
 public:
  AloneScope(CommandContext& c, bool long_batch) : c_(c), long_batch_(long_batch) {
    c_.alone = true;
  }
  ~AloneScope() {
    const memory::MustSucceed must;
    c_.alone = false;
    c_.op.OpenGate();
    if (long_batch_) {
      (void)c_.op.BeginLong();
    } else {
      BeginBatch(c_.core);
    }
  }
  AloneScope(const AloneScope&) = delete;
  AloneScope& operator=(const AloneScope&) = delete;

 private:
  CommandContext& c_;
  const bool long_batch_;
};

}  // namespace

Outcome RunAlone(CommandContext& c) {
  // A long batch, which would have to wait for itself, makes way first; that of a command served on
  // a worker cannot.
  const bool long_batch = c.op.in_long_batch();
  if (long_batch && c.mode != RunMode::kWorker) return Outcome::kBusy;
  if (long_batch) c.op.End();
  while (!c.op.TryCloseGate()) {
    if (!long_batch) return Outcome::kBusy;
    std::this_thread::sleep_for(kGateRetry);
  }
  const AloneScope scope(c, long_batch);
  return c.command->row->handler(c);
}

void Prepare(ParsedCommand& parsed) {
  // Clients tend to repeat themselves, to the letter.
  thread_local struct {
    std::array<char, 16> name{};
    size_t size = 0;
    const Command* command = nullptr;
  } last;
  const Bytes name = parsed.args[0];
  if (SameBytes(name, {last.name.data(), last.size})) {
    parsed.command = last.command;
  } else {
    const CommandTable& table = CommandTable::Instance();
    parsed.command = table.Resolve(parsed.args);
    // A container's subcommand is in another argument.
    if (parsed.command != nullptr && table.IsTopLevel(parsed.command) &&
        parsed.command->children.empty() && name.size() <= last.name.size()) {
      std::memcpy(last.name.data(), name.data(), name.size());
      last.size = name.size();
      last.command = parsed.command;
    }
  }
  parsed.key_index = 0;
  if (parsed.command == nullptr) return;
  const int first = FirstKeyIndex(*parsed.command->row);
  if (first > 0 && static_cast<size_t>(first) < parsed.args.size()) {
    parsed.key_index = first;
    parsed.key_hash = HashIndex::Hash(parsed.args[static_cast<size_t>(first)]);
  }
}

namespace {

// A client that deletes big values faster than they are freed waits, but for so long at most.
constexpr int64_t kFreeingWaitMs = 1000;

bool WaitsForFreeing(CoreContext& core, Client& client) {
  if (core.shared.engine.lazy_free()->behind() &&
      core.op->now_ms() < client.waits_for_freeing_until_ms) {
    return true;
  }
  client.waits_for_freeing_until_ms = 0;
  return false;
}

// Nothing has happened: the command comes again, with the reply mode it would have had now.
Outcome Postpone(Client& client, const ClientOutput::Mark& mark) {
  client.output.Rewind(mark);
  client.reply_skip_armed = client.reply_skip_now;
  return Outcome::kBusy;
}

// An error was written instead of executing the command.
Outcome Refuse(CoreContext& core, Client& client, const ParsedCommand& parsed,
               const ClientOutput::Mark& mark) {
  NoteRefused(core, client, parsed, mark);
  CountError(core, client.reply_view().substr(mark.buffer));
  ApplyReplyMode(client, mark);
  return Outcome::kDone;
}

Outcome RefuseWith(CoreContext& core, Client& client, const ParsedCommand& parsed,
                   const ClientOutput::Mark& mark, std::string_view error) {
  client.reply.Error(error);
  core.stats.per_command[parsed.command->id].rejected.Add(1);
  return Refuse(core, client, parsed, mark);
}

// Makes room in memory for the command; what happens instead of running it if there is none.
std::optional<Outcome> FindRoom(CoreContext& core, Client& client, const ParsedCommand& parsed,
                                const ClientOutput::Mark& mark) {
  const Cache::Room room = core.shared.engine.cache().MakeRoom(core.shared.engine, *core.op);
  if (room == Cache::Room::kWait) return Postpone(client, mark);
  if (room == Cache::Room::kNone) return RefuseWith(core, client, parsed, mark, kOomError);
  return std::nullopt;
}

// Whether a look at what is rare need not be taken: the client is in a transaction or held back,
// clients are paused, the server is in a special condition.
inline bool AllIsUsual(const SharedState& shared, const Client& client) {
  return client.transaction == nullptr && !client.paused &&
         client.waits_for_freeing_until_ms == 0 &&
         shared.pause_mode.load(std::memory_order_relaxed) == PauseMode::kNone &&
         shared.conditions.none();
}

// What happens instead of running the command, if something does.
std::optional<Outcome> LookAtState(CoreContext& core, Client& client, const ParsedCommand& parsed,
                                   const ClientOutput::Mark& mark) {
  const CommandRow& row = *parsed.command->row;
  const uint32_t flags = FlagsNow(client, row);
  const bool paused = Paused(core.shared, flags, core.op->now_ms());
  if (paused != client.paused) NotePaused(core.shared, client, paused);
  if (paused) return Postpone(client, mark);
  if (client.waits_for_freeing_until_ms != 0 && WaitsForFreeing(core, client)) {
    return Postpone(client, mark);
  }
  const Conditions& conditions = core.shared.conditions;
  if (IsSealed(conditions, flags)) {
    client.close_after_reply = true;
    return Outcome::kDone;
  }
  const bool loading = conditions.Has(Condition::kLoading);
  if (loading && (flags & kLoading) == 0) {
    return RefuseWith(core, client, parsed, mark, kLoadingError);
  }
  if (conditions.Has(Condition::kMemoryShort) && NeedsMemory(client, row)) {
    return RefuseWith(core, client, parsed, mark, kNoMemoryError);
  }
  // Nothing is evicted while keys come in.
  if (!loading && NeedsMemory(client, row)) {
    if (const auto instead = FindRoom(core, client, parsed, mark)) return instead;
  }
  if (MustReportFailedSave(core, flags)) {
    return RefuseWith(core, client, parsed, mark, kSaveFailedError);
  }
  if (IsQueued(client, row)) {
    if (!Queue(client, parsed)) return RefuseWith(core, client, parsed, mark, kNoMemoryError);
    ApplyReplyMode(client, mark);
    return Outcome::kDone;
  }
  return std::nullopt;
}

// A command that names so many keys that looking them up alone would keep the loop from others.
// Those that wait for keys must begin on the loop.
bool NamesManyKeys(const CommandContext& c) {
  constexpr size_t kLoopArgs = 2'000;  // at 0.2 us to 1 us each
  const CommandRow& row = *c.command->row;
  if (c.argc() <= kLoopArgs || (row.flags & kBlocking) != 0) return false;
  return std::any_of(row.keys.begin(), row.keys.end(), [](const KeySpec& spec) {
    return spec.used() && (spec.form == KeyForm::kCounted || spec.last < 0);
  });
}

// Goes on on a worker thread; counted and answered when it is done.
Outcome Offload(CommandContext& c, const ParsedCommand& parsed, const ClientOutput::Mark& mark) {
  c.client.output.Rewind(mark);
  const size_t taken_along = QueueMemory(c.client) + WatchMemory(c.client);
  std::unique_ptr<DetachedCommand> detached;
  try {
    const memory::MayFail may_fail;
    detached = DetachedCommand::Leaving(c);
  } catch (const std::bad_alloc&) {
    return RefuseWith(c.core, c.client, parsed, mark, kNoMemoryError);
  }
  c.client.detached_bytes = taken_along + detached->memory();
  c.shared.workers->Submit(std::move(detached));
  return Outcome::kSuspended;
}

Outcome RunHandler(CommandContext& c, const ClientOutput::Mark& mark) {
  if (NamesManyKeys(c)) [[unlikely]]
    return Outcome::kOffload;
  const CommandRow& row = *c.command->row;
  const memory::MayFail may_fail;
  try {
    EnsureForArguments(c.args, row);
    if ((row.flags & kGlobal) != 0) return RunAlone(c);
    const Outcome outcome = (row.flags & kBlocking) != 0 ? RunBlocking(c) : row.handler(c);
    return outcome == Outcome::kAlone ? RunAlone(c) : outcome;
  } catch (const std::bad_alloc&) {
    ReplyNoMemory(c.client, mark);
    NoteRefused(c.core, c.client, {c.args, c.command}, mark);
  } catch (const protocol::ReplyTooLong&) {
    c.client.DropReply(mark);
  }
  return Outcome::kDone;
}

// What was written since `mark` if it is an error.
inline std::string_view ErrorSince(const Client& client, const ClientOutput::Mark& mark) {
  const std::string_view all = client.reply_view();
  if (all.size() <= mark.buffer || all[mark.buffer] != '-') return {};
  return all.substr(mark.buffer);
}

}  // namespace

Outcome Execute(CoreContext& core, Client& client, const ParsedCommand& parsed) {
  const ClientOutput::Mark mark = client.output.mark();
  client.reply_skip_now = std::exchange(client.reply_skip_armed, false);
  const Refusal refusal = RefusalOf(core, client, parsed);
  if (refusal != Refusal::kNone) [[unlikely]] {
    Tell(core, client, parsed, refusal);
    return client.killed ? Outcome::kDone : Refuse(core, client, parsed, mark);
  }
  if (!AllIsUsual(core.shared, client)) [[unlikely]] {
    if (const auto instead = LookAtState(core, client, parsed, mark)) return *instead;
  } else if ((parsed.command->row->flags & kDenyOom) != 0 && core.shared.engine.cache().limited()) {
    if (const auto instead = FindRoom(core, client, parsed, mark)) return *instead;
  }

  CommandContext context{
      core.shared.engine, *core.op,    core,           core.shared,     client,
      client.reply,       parsed.args, parsed.command, parsed.key_hash, parsed.key_index};
  client.last_command = parsed.command;
  core.op->no_touch = client.no_touch;
  const int64_t announced = LazyFree::AnnouncedHere();
  const uint64_t start = Ticks();
  const Outcome outcome = RunHandler(context, mark);
  const uint64_t ns = TicksToNs(Ticks() - start);
  if (LazyFree::AnnouncedHere() != announced && core.shared.engine.lazy_free()->behind()) {
    client.waits_for_freeing_until_ms = core.op->now_ms() + kFreeingWaitMs;
  }
  if (outcome == Outcome::kBusy) {
    core.stats.busy_retries.Add(1);
    return Postpone(client, mark);
  }
  if (outcome == Outcome::kOffload) return Offload(context, parsed, mark);
  CountExecutedInline(core, client, parsed, ns, ErrorSince(client, mark));
  ApplyReplyMode(client, mark);
  return outcome;
}

}  // namespace mantis::server
