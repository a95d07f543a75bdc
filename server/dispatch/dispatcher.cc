#include "server/dispatch/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/option_table.h"
#include "engine/base/allocation_failure.h"
#include "engine/base/cycle_clock.h"
#include "server/core/core_context.h"
#include "server/core/log.h"
#include "server/core/monitor_feed.h"
#include "server/core/shared_state.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/argument_memory.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/detached_command.h"
#include "server/dispatch/transaction.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

constexpr std::string_view kNoAuthError = "NOAUTH Authentication required.";
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

// Redis shows at most 128 bytes of what it quotes back.
constexpr size_t kQuotedMax = 128;

// Like a C string: up to the first NUL.
Bytes Quotable(Bytes text, size_t most) { return text.substr(0, std::min(text.find('\0'), most)); }

// A browser made to send requests here by a hostile page says POST or Host:. Nothing of what it
// says is executed.
bool LooksLikeHttp(Bytes name) {
  return EqualsIgnoreCase(name, "post") || EqualsIgnoreCase(name, "host:");
}

// Which arguments hold a password: of CONFIG SET, the values of the options whose row says so.
void HideConfigSecrets(std::vector<Bytes>& args, Bytes hidden) {
  for (size_t i = 2; i + 1 < args.size(); i += 2) {
    const auto match = config::FindOption(args[i]);
    if (!match || !match->option().Has(config::kSecret)) continue;
    args[i + 1] = hidden;
    // A password with a blank in it that was not quoted: its rest may be anywhere behind.
    if (args.size() % 2 != 0) {
      std::fill(args.begin() + static_cast<ptrdiff_t>(i + 1), args.end(), hidden);
      return;
    }
  }
}

// What others may see of a command: passwords are replaced.
std::span<const Bytes> Redacted(const ParsedCommand& parsed, std::vector<Bytes>& storage) {
  constexpr Bytes kHidden = "(redacted)";
  const std::string_view name = parsed.command->row->name;
  if (name != "auth" && name != "hello" && name != "config|set") return parsed.args;
  storage.assign(parsed.args.begin(), parsed.args.end());
  if (name == "auth") {
    std::fill(storage.begin() + 1, storage.end(), kHidden);
  } else if (name == "config|set") {
    HideConfigSecrets(storage, kHidden);
  } else {
    const auto is_auth = [](Bytes arg) { return EqualsIgnoreCase(arg, "AUTH"); };
    // Of commands that are refused, too: the first AUTH may be a client's name.
    for (size_t i = 1; i < storage.size(); ++i) {
      if (!is_auth(parsed.args[i])) continue;
      for (size_t j = i + 1; j < std::min(i + 3, storage.size()); ++j) storage[j] = kHidden;
    }
  }
  return storage;
}

void UnknownCommand(Client& client, std::span<const Bytes> args) {
  std::string text;
  if (CommandTable::Instance().Find(args[0]) != nullptr) {
    std::string upper(args[0]);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    text = "ERR unknown subcommand '";
    text.append(Quotable(args[1], kQuotedMax)).append("'. Try ").append(upper).append(" HELP.");
  } else {
    text = "ERR unknown command '";
    text.append(Quotable(args[0], kQuotedMax)).append("', with args beginning with: ");
    std::string shown;
    for (size_t i = 1; i < args.size() && shown.size() < kQuotedMax; ++i) {
      const size_t room = kQuotedMax - shown.size();
      shown.append("'").append(Quotable(args[i], room)).append("' ");
    }
    text.append(shown);
  }
  client.reply.Error(text);
}

// `reply` is "-CODE text".
void CountError(CoreContext& core, std::string_view reply) {
  const std::string_view code = reply.substr(1, reply.find_first_of(" \r") - 1);
  const std::lock_guard lock(core.stats.errors_mutex);
  auto it = core.stats.errors.find(code);
  if (it == core.stats.errors.end()) it = core.stats.errors.emplace(std::string(code), 0).first;
  ++it->second;
}

// A port scan sends many, and must not fill the disk.
void LogAttack(const Client& client, int64_t now_ms) {
  constexpr int64_t kQuietMs = 60'000;
  static std::atomic<int64_t> next_ms{0};
  int64_t due_ms = next_ms.load(std::memory_order_relaxed);  // guards nothing but itself
  if (now_ms < due_ms || !next_ms.compare_exchange_strong(due_ms, now_ms + kQuietMs)) return;
  LogWarning(
      "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands "
      "to MantisDB. Connection from " +
      client.address + " aborted. More of the kind are not logged for a minute.");
}

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

bool ArityFits(const CommandRow& row, size_t argc) {
  return row.arity >= 0 ? argc == static_cast<size_t>(row.arity)
                        : argc >= static_cast<size_t>(-row.arity);
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

// Why a command is refused whatever the server's state is.
enum class Refusal : uint8_t { kNone, kUnknown, kArity, kNoAuth, kInMulti };

inline Refusal RefusalOf(CoreContext& core, const Client& client, const ParsedCommand& parsed) {
  if (parsed.command == nullptr) return Refusal::kUnknown;
  const CommandRow& row = *parsed.command->row;
  if (!ArityFits(row, parsed.args.size()) || row.handler == nullptr) return Refusal::kArity;
  // A password taken away lets everybody in, also those who came while there was one.
  if (!client.authenticated && (row.flags & kNoAuth) == 0 && !core.settings().requirepass.empty()) {
    return Refusal::kNoAuth;
  }
  if (client.transaction != nullptr && (row.flags & kNoMulti) != 0) return Refusal::kInMulti;
  return Refusal::kNone;
}

// Writes the error, or ends the client.
void Tell(CoreContext& core, Client& client, const ParsedCommand& parsed, Refusal refusal) {
  if (refusal == Refusal::kUnknown) {
    if (LooksLikeHttp(parsed.args[0])) {
      LogAttack(client, core.op->now_ms());
      client.killed = true;
    } else {
      UnknownCommand(client, parsed.args);
    }
    return;
  }
  if (refusal == Refusal::kArity) {
    const std::string name(parsed.command->row->name);
    client.reply.Error("ERR wrong number of arguments for '" + name + "' command");
  } else if (refusal == Refusal::kNoAuth) {
    client.reply.Error(kNoAuthError);
  } else {
    client.reply.Error("ERR Command not allowed inside a transaction");
  }
  core.stats.per_command[parsed.command->id].rejected.Add(1);
}

// Slow log and latency monitor.
void NoteSlow(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns) {
  const CommandRow& row = *parsed.command->row;
  const config::Settings& settings = core.settings();
  const auto us = static_cast<int64_t>(ns / 1000);
  const int64_t slower_than = settings.slowlog_log_slower_than;
  if (slower_than >= 0 && us >= slower_than && (row.flags & kSkipSlowlog) == 0) {
    std::vector<Bytes> storage;
    core.shared.slow_log.Add(core.op->now_ms() / 1000, us, Redacted(parsed, storage),
                             client.address, client.name,
                             static_cast<size_t>(settings.slowlog_max_len));
  }
  const int64_t threshold = settings.latency_monitor_threshold;
  if (threshold > 0 && us / 1000 >= threshold) {
    core.shared.latency_monitor.Add((row.flags & kFast) != 0 ? "fast-command" : "command",
                                    core.op->now_ms() / 1000, us / 1000);
  }
}

// What is recorded of a command once it is over, which took `ns` in all, waiting for keys excepted.
inline void RecordDuration(CoreContext& core, Client& client, const ParsedCommand& parsed,
                           uint64_t ns) {
  if (core.settings().latency_tracking) {
    core.stats.per_command[parsed.command->id].RecordLatency(ns);
  }
  if (ns >= core.noted_from_ns()) [[unlikely]]
    NoteSlow(core, client, parsed, ns);
}

void CountFailure(CoreContext& core, const ParsedCommand& parsed, std::string_view error) {
  core.stats.per_command[parsed.command->id].failed.Add(1);
  CountError(core, error);
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

namespace {

// What is rare: monitors, a command that waits for keys, one that failed.
void NoteRare(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
              std::string_view error) {
  if (core.shared.monitor_count.load(std::memory_order_relaxed) != 0 &&
      (parsed.command->row->flags & (kSkipMonitor | kAdmin)) == 0) {
    std::vector<Bytes> storage;
    FeedMonitors(core.shared, client, Redacted(parsed, storage));
  }
  if (client.blocked != nullptr) client.blocked->command().set_begun_ns(ns);
  if (!error.empty()) CountFailure(core, parsed, error);
}

[[gnu::always_inline]] inline void CountOne(CoreContext& core, Client& client,
                                            const ParsedCommand& parsed, uint64_t ns,
                                            std::string_view error) {
  core.stats.commands_processed.Add(1);
  ++client.commands_executed;
  CommandStats& stats = core.stats.per_command[parsed.command->id];
  stats.calls.Add(1);
  stats.time_ns.Add(static_cast<int64_t>(ns));
  // One that waits for keys is not over: CountEnd says when it is.
  const bool over = client.blocked == nullptr;
  if (over) RecordDuration(core, client, parsed, ns);
  if (!over || !error.empty() || core.shared.monitor_count.load(std::memory_order_relaxed) != 0)
      [[unlikely]] {
    NoteRare(core, client, parsed, ns, error);
  }
}

}  // namespace

void CountExecuted(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
                   std::string_view error) {
  CountOne(core, client, parsed, ns, error);
}

void CountEnd(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t begun_ns,
              uint64_t ns, std::string_view error) {
  core.stats.per_command[parsed.command->id].time_ns.Add(static_cast<int64_t>(ns));
  // Nothing ran for one whose time was over, or that was sent home.
  if (ns != 0) RecordDuration(core, client, parsed, begun_ns + ns);
  if (!error.empty()) CountFailure(core, parsed, error);
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
  CountOne(core, client, parsed, ns, ErrorSince(client, mark));
  ApplyReplyMode(client, mark);
  return outcome;
}

}  // namespace mantis::server
