#include "server/dispatch/transaction.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/allocation_failure.h"
#include "engine/base/cycle_clock.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/core/core_context.h"
#include "server/core/monitor_feed.h"
#include "server/core/shared_state.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/accounting.h"
#include "server/dispatch/argument_memory.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/dispatcher.h"
#include "server/dispatch/interest_table.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

// An EXEC that met other clients' locks this often gets them all out of its way.
constexpr int kTriesBeforeGate = 64;
// The index of an open command that was asked for.
constexpr size_t kAsked = SIZE_MAX;

// Those that act at once although the client is in MULTI.
bool ActsInMulti(const CommandRow& row) {
  return row.handler == Exec || row.handler == Discard || row.handler == Multi ||
         row.handler == Watch || row.name == "quit" || row.name == "reset";
}

// The database that SELECT will choose, if it will.
void FollowSelect(const Engine& engine, std::span<const Bytes> args, int* db) {
  const auto index = protocol::ParseInteger(args[1]);
  if (index && *index >= 0 && *index < engine.database_count()) *db = static_cast<int>(*index);
}

bool KnowsItsKeys(const CommandRow& row) {
  return (row.flags & (kAnyKeys | kGlobal)) == 0 &&
         std::none_of(row.keys.begin(), row.keys.end(), [](const KeySpec& spec) {
           return spec.used() && spec.form == KeyForm::kFromContent;
         });
}

// COPY and MOVE name a key of another database. Adds it, if their arguments are such that they will
// touch it; returns false for other commands.
bool AddKeyElsewhere(Engine& engine, const CommandRow& row, std::span<const Bytes> args,
                     std::vector<KeyLocks::Target>* out) {
  const auto add = [&](Bytes database, Bytes key) {
    const auto index = protocol::ParseInteger(database);
    if (!index || *index < 0 || *index >= engine.database_count()) return;
    out->emplace_back(&engine.database(static_cast<int>(*index)), KeyRef::Of(key));
  };
  if (row.name == "move") {
    add(args[2], args[1]);
    return true;
  }
  if (row.name != "copy") return false;
  for (size_t i = 3; i + 1 < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "DB")) add(args[i + 1], args[2]);
  }
  return true;
}

// Every key that EXEC reads or writes. False: that cannot be told.
// DBSIZE touches no key and may be there once: the transaction then counts as executed at the
// moment at which it counted, its own keys being locked before and after. Two counts with other
// clients' changes in between would be of two moments.
bool GatherKeys(CommandContext& c, std::vector<KeyLocks::Target>* out) {
  const Client& client = c.client;
  int db = client.db;
  std::vector<KeyUse> keys;
  bool counted = false;
  for (const QueuedCommand& queued : client.transaction->commands) {
    const CommandRow& row = *queued.command().row;
    if (row.name == "dbsize" && !std::exchange(counted, true)) continue;
    keys.clear();
    const bool known = AddKeyElsewhere(c.engine, row, queued.args(), out) || KnowsItsKeys(row);
    if (!known || !FindKeys(row, queued.args(), &keys)) return false;
    if (row.name == "select") FollowSelect(c.engine, queued.args(), &db);
    Database* const database = &c.engine.database(db);
    for (const KeyUse& use : keys) out->emplace_back(database, KeyRef::Of(use.key));
  }
  if (client.watched != nullptr) {
    for (const auto& [number, key] : client.watched->keys) {
      out->emplace_back(&c.engine.database(number), KeyRef::Of(key));
    }
  }
  return true;
}

// Nothing that the client watches has changed. Under the locks of these keys.
bool WatchHolds(CommandContext& c) {
  if (c.client.watched == nullptr) return true;
  const auto& [state, keys] = *c.client.watched;
  return std::all_of(keys.begin(), keys.end(), [&, &state = *state](const auto& key) {
    return InterestTable::Unchanged(c.op, key.first, KeyRef::Of(key.second), state);
  });
}

// A transaction of more steps, or more watched keys, is a worker's: 0.1 us to 1 us each.
constexpr size_t kLoopSteps = 8'000;
constexpr size_t kLoopWatched = 2'000;

bool IsLong(const Transaction* transaction, const WatchedKeys* watched) {
  return (transaction != nullptr && transaction->steps > kLoopSteps) ||
         (watched != nullptr && watched->keys.size() > kLoopWatched);
}

// Whether a queued command works on keys only, and not on its client or on the core it runs on.
bool IsPortable(const CommandRow& row) {
  return (row.flags & (kAsksCores | kAdmin)) == 0 &&
         (row.name == "select" ||
          (row.group != "connection" && row.group != "server" && row.group != "transactions"));
}

// On a worker, outside of any batch: in slices, each of a batch of its own.
void UnwatchAll(CoreContext& core, const WatchedKeys& watched) {
  constexpr size_t kSlice = 500;
  size_t done = 0;
  BeginBatch(core);
  for (const auto& [number, key] : watched.keys) {
    core.shared.interests->Unwatch(&*core.op, number, KeyRef::Of(key), watched.state);
    if (++done % kSlice != 0) continue;
    core.op->End();
    BeginBatch(core);
  }
  core.op->End();
}

// Has a worker forget what the client has queued and what it watches.
void ForgetElsewhere(CoreContext& core, Client& client, std::unique_ptr<Transaction> transaction) {
  // Shared, as a job must be copyable.
  core.shared.workers->Post([queued = std::shared_ptr<Transaction>(std::move(transaction)),
                             watched = std::shared_ptr<WatchedKeys>(std::move(client.watched))](
                                CoreContext& worker) mutable {
    queued.reset();
    if (watched != nullptr) UnwatchAll(worker, *watched);
    watched.reset();
  });
}

void ForgetWatched(CoreContext& core, Client& client) {
  if (client.watched == nullptr) return;
  const bool on_loop = client.connection != nullptr;
  if (on_loop && IsLong(nullptr, client.watched.get())) {
    return ForgetElsewhere(core, client, nullptr);
  }
  OpContext* op = core.op->in_batch() ? &*core.op : nullptr;
  for (const auto& [number, key] : client.watched->keys) {
    core.shared.interests->Unwatch(op, number, KeyRef::Of(key), client.watched->state);
  }
  client.watched.reset();
}

// A command that fails for want of memory does so by itself, like any that ends in an error. If the
// reply becomes too long the commands go on, as their client may be watching others' keys for them,
// but nothing more is answered.
Outcome RunOne(CommandContext& c, const ClientOutput::Mark& mark) {
  Outcome outcome = Outcome::kDone;
  try {
    const memory::MayFail may_fail;
    EnsureForArguments(c.args, *c.command->row);
    outcome = c.command->row->handler(c);
  } catch (const std::bad_alloc&) {
    ReplyNoMemory(c.client, mark);
  } catch (const protocol::ReplyTooLong&) {
    c.client.DropReply(mark);
  }
  if (c.client.reply_too_long) c.client.output.Rewind(mark);
  return outcome;
}

Outcome RunQueued(CommandContext& exec, const QueuedCommand& queued) {
  Client& client = exec.client;
  CommandContext c{exec.engine, exec.op,      exec.core,     exec.shared,
                   client,      client.reply, queued.args(), &queued.command()};
  c.mode = RunMode::kTransaction;
  c.alone = exec.alone;
  const ClientOutput::Mark mark = client.output.mark();
  const uint64_t start = Ticks();
  const Outcome outcome = RunOne(c, mark);
  const uint64_t ns = TicksToNs(Ticks() - start);
  if (outcome != Outcome::kDone && outcome != Outcome::kSuspended) {
    client.output.Rewind(mark);
    client.reply.Error("BUSY the command could not run inside this transaction, try again");
  }
  const std::string_view reply = client.reply_view().substr(mark.buffer);
  CountExecuted(exec.core, client, {queued.args(), &queued.command()}, ns,
                reply.starts_with('-') ? reply : std::string_view{});
  return outcome;
}

// All that touches keys. Those that ask other cores are left open.
void RunAll(CommandContext& c, Transaction& transaction) {
  Client& client = c.client;
  std::vector<std::pair<size_t, ClientOutput::Mark>> open;
  c.reply.Array(transaction.commands.size());
  for (size_t i = 0; i < transaction.commands.size(); ++i) {
    const QueuedCommand& queued = transaction.commands[i];
    if ((queued.command().row->flags & kAsksCores) != 0) {
      open.emplace_back(i, client.output.mark());
    } else {
      (void)RunQueued(c, queued);
    }
  }
  for (auto it = open.rbegin(); it != open.rend(); ++it) {
    transaction.open.push_back({it->first, client.output.Cut(it->second)});
  }
}

// Asks the other cores for what is still open. kDone: nothing is.
Outcome RunOpen(CommandContext& c, Transaction& transaction) {
  const bool silent = c.client.reply_mode == ReplyMode::kOff || c.client.reply_skip_now;
  while (!transaction.open.empty()) {
    Transaction::Open& next = transaction.open.back();
    if (next.index != kAsked) {
      const QueuedCommand& queued = transaction.commands[next.index];
      next.index = kAsked;
      if (RunQueued(c, queued) == Outcome::kSuspended) return Outcome::kSuspended;
    }
    if (!silent) c.client.output.Splice(*next.after);
    transaction.open.pop_back();
  }
  c.client.transaction.reset();
  return Outcome::kDone;
}

// A watched key has changed.
Outcome Undone(CommandContext& c) {
  EndTransaction(c.core, c.client);
  c.reply.NullArray();
  return Done();
}

}  // namespace

QueuedCommand::QueuedCommand(const ParsedCommand& parsed, Connection& connection)
    : command_(parsed.command), argc_(parsed.args.size()), size_(argc_ * sizeof(Bytes)) {
  // From so many on, copying them takes longer than giving the client another buffer.
  constexpr size_t kTakenFrom = 1'000;
  if (argc_ >= kTakenFrom) {
    auto input = std::make_unique<InputBuffer>();
    block_ = std::make_unique_for_overwrite<std::byte[]>(size_);
    if (connection.TakeInput(parsed.args, input.get())) {
      std::uninitialized_copy(parsed.args.begin(), parsed.args.end(),
                              reinterpret_cast<Bytes*>(block_.get()));
      size_ += input->capacity();
      input_ = std::move(input);
      return;
    }
  }
  for (const Bytes arg : parsed.args) size_ += arg.size();
  block_ = std::make_unique_for_overwrite<std::byte[]>(size_);
  auto* views = reinterpret_cast<Bytes*>(block_.get());
  auto* text = reinterpret_cast<char*>(views + argc_);
  for (size_t i = 0; i < argc_; ++i) {
    const Bytes arg = parsed.args[i];
    if (!arg.empty()) std::memcpy(text, arg.data(), arg.size());
    new (views + i) Bytes(text, arg.size());
    text += arg.size();
  }
}

bool WatchedKeys::dirty() const { return state->dirty.load(std::memory_order_acquire); }

size_t QueueMemory(const Client& client) {
  if (client.transaction == nullptr) return 0;
  return client.transaction->memory + client.transaction->commands.size() * sizeof(QueuedCommand);
}

size_t WatchMemory(const Client& client) {
  if (client.watched == nullptr) return 0;
  // With about as much again for the record and the entry behind each key.
  constexpr size_t kWatchedKeyBytes = 250;
  return client.watched->keys.capacity() * sizeof(std::pair<int, std::string>) +
         client.watched->keys.size() * kWatchedKeyBytes;
}

uint32_t FlagsNow(const Client& client, const CommandRow& row) {
  if (client.transaction == nullptr || row.handler != Exec) return row.flags;
  return row.flags | (client.transaction->flags & (kWrite | kMayReplicate | kDenyOom));
}

bool IsQueued(const Client& client, const CommandRow& row) {
  return client.transaction != nullptr && !ActsInMulti(row);
}

bool NeedsMemory(const Client& client, const CommandRow& row) {
  // What is queued is bounded as all of a client's memory is, so that commands which read or delete
  // can be queued when memory is short.
  return (FlagsNow(client, row) & kDenyOom) != 0;
}

bool Queue(Client& client, const ParsedCommand& parsed) {
  Transaction& transaction = *client.transaction;
  // What will not run need not be kept.
  if (transaction.aborted || (client.watched != nullptr && client.watched->dirty())) {
    client.reply.SimpleString("QUEUED");
    return true;
  }
  try {
    const memory::MayFail may_fail;
    transaction.commands.emplace_back(parsed, *client.connection);
  } catch (const std::bad_alloc&) {
    return false;
  }
  client.reply.SimpleString("QUEUED");
  transaction.memory += transaction.commands.back().memory();
  transaction.steps += 1 + parsed.args.size();
  transaction.portable = transaction.portable && IsPortable(*parsed.command->row);
  transaction.flags |= parsed.command->row->flags;
  return true;
}

void NoteRefused(CoreContext& core, Client& client, const ParsedCommand& parsed,
                 const ClientOutput::Mark& mark) {
  if (client.transaction != nullptr) client.transaction->aborted = true;
  if (parsed.command == nullptr || parsed.command->row->handler != Exec) return;
  std::string_view error = client.reply_view().substr(mark.buffer + 1);
  error = error.substr(0, error.find('\r'));
  if (error.starts_with("ERR ")) error.remove_prefix(4);
  const std::string text = "EXECABORT Transaction discarded because of: " + std::string(error);
  client.output.Rewind(mark);
  client.reply.Error(text);
  EndTransaction(core, client);
  FeedMonitors(core.shared, client, parsed.args);
}

void EndTransaction(CoreContext& core, Client& client) {
  if (IsLong(client.transaction.get(), client.watched.get())) {
    return ForgetElsewhere(core, client, std::move(client.transaction));
  }
  client.transaction.reset();
  ForgetWatched(core, client);
}

Outcome Multi(CommandContext& c) {
  if (c.client.transaction != nullptr) return Fail(c, "ERR MULTI calls can not be nested");
  c.client.transaction = std::make_unique<Transaction>();
  c.reply.Ok();
  return Done();
}

Outcome Discard(CommandContext& c) {
  if (c.client.transaction == nullptr) return Fail(c, "ERR DISCARD without MULTI");
  EndTransaction(c.core, c.client);
  c.reply.Ok();
  return Done();
}

Outcome Exec(CommandContext& c) {
  Client& client = c.client;
  if (client.transaction == nullptr) return Fail(c, "ERR EXEC without MULTI");
  Transaction& transaction = *client.transaction;
  if (transaction.aborted) {
    EndTransaction(c.core, client);
    return Fail(c, "EXECABORT Transaction discarded because of previous errors.");
  }
  if (client.watched != nullptr && client.watched->dirty()) return Undone(c);
  if (c.mode == RunMode::kNormal && !c.alone && transaction.portable &&
      IsLong(&transaction, client.watched.get())) {
    return Outcome::kOffload;
  }
  std::vector<KeyLocks::Target> keys;
  if (!c.alone) {
    const bool known = GatherKeys(c, &keys);
    if (!known || transaction.tries > kTriesBeforeGate) return Outcome::kAlone;
  }
  KeyLocks locks(c.op);
  if (!c.alone && !keys.empty() && locks.Acquire(keys) == Status::kBusy) {
    ++transaction.tries;
    return Outcome::kBusy;
  }
  if (!WatchHolds(c)) {
    locks.Release();
    return Undone(c);
  }
  // The commands fail one by one, but not the whole.
  const memory::MustSucceed must;
  ForgetWatched(c.core, client);
  RunAll(c, transaction);
  locks.Release();
  return RunOpen(c, transaction);
}

bool ContinueExec(Client& client) {
  if (client.transaction == nullptr || client.transaction->open.empty()) return false;
  CoreContext& core = client.connection->core();
  const Command* exec = CommandTable::Instance().FindByRowName("exec");
  const Bytes name = exec->row->name;
  BeginBatch(core);
  CommandContext c{core.shared.engine, *core.op,   core, core.shared, client,
                   client.reply,       {&name, 1}, exec};
  const Outcome outcome = RunOpen(c, *client.transaction);
  core.op->End();
  return outcome == Outcome::kSuspended;
}

Outcome Watch(CommandContext& c) {
  Client& client = c.client;
  if (client.transaction != nullptr) return Fail(c, "ERR WATCH inside MULTI is not allowed");
  if (client.watched != nullptr && client.watched->dirty()) {
    c.reply.Ok();
    return Done();
  }
  // What has expired goes before it is watched: it counts as absent.
  for (size_t i = 1; i < c.argc(); ++i) {
    Current ignored;
    if (c.db().Get(c.op, c.key(i), &ignored, Database::Access::kPeek) == Status::kBusy) {
      return Outcome::kBusy;
    }
  }
  if (client.watched == nullptr) {
    client.watched = std::make_unique<WatchedKeys>();
    client.watched->state = std::make_shared<WatchState>();
  }
  client.watched->keys.reserve(client.watched->keys.size() + c.argc() - 1);
  for (const Bytes key : c.args.subspan(1)) memory::Ensure(key.size());
  const memory::MustSucceed must;
  for (size_t i = 1; i < c.argc(); ++i) {
    if (!client.watched->keys.emplace(client.db, c.args[i]).second) continue;
    c.shared.interests->Watch(c.op, client.db, c.key(i), client.watched->state);
  }
  c.reply.Ok();
  return Done();
}

Outcome Unwatch(CommandContext& c) {
  ForgetWatched(c.core, c.client);
  c.reply.Ok();
  return Done();
}

}  // namespace mantis::server
