// What a command is: one row of a constexpr table, and the context its handler runs in.
//
// A command is added in one place, server/commands/<family>_commands.cc: the handler and its row.
// COMMAND, COMMAND DOCS, statistics, limits, docs/commands.md and the fuzz vocabulary derive from
// the row.
//
// Thread safety: rows are constants. A CommandContext belongs to one command execution on one core.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/keyspace/engine.h"
#include "engine/keyspace/key_locks.h"
#include "protocol/reply_writer.h"

namespace mantis::server {

struct Client;
struct CoreContext;
struct SharedState;
struct CommandContext;

enum class Outcome : uint8_t {
  kDone,       // the reply is written (or suppressed on purpose)
  kBusy,       // another operation was in the way: nothing changed, nothing written; run it again
  kSuspended,  // the reply comes later, by Client::Resume; no further command of the client runs
  // The rest are for the dispatcher; nothing has happened and nothing is written.
  kOffload,  // too long for an event loop: run it on a worker thread
  kAlone,    // touches keys that its arguments do not name: run it under the global gate
  // RunMode::kServe and kWorker: there is nothing (any more) for a command that waits for keys.
  kWaits,
};

// On whose behalf, and where, a handler runs.
enum class RunMode : uint8_t {
  kNormal,       // on the client's core, from its input
  kTransaction,  // inside EXEC
  kServe,        // for a blocked client, on the core that made its key ready
  kWorker,       // on a worker thread, which may take its time
};

using Handler = Outcome (*)(CommandContext&);

// Named as in COMMAND INFO, where each has a lower-case name.
enum CommandFlag : uint32_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubsub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kFast = 1u << 11,
  kNoAuth = 1u << 12,
  kMayReplicate = 1u << 13,
  kNoMulti = 1u << 14,
  kMovableKeys = 1u << 15,
  kAllowBusy = 1u << 16,
  kNoAsyncLoading = 1u << 17,
  // Ours: reports a server that cannot save, as commands that write do.
  kTellsSaveFailed = 1u << 25,
  // Ours: runs while clients are paused.
  kRunsInPause = 1u << 24,
  // Ours: that argument names an element of the collection that is the first key, and is looked for
  // ahead where several commands come at once (prefetch.h).
  kElementAt2 = 1u << 26,
  kElementAt3 = 1u << 27,
  // Ours: asks other cores, so its reply comes later (Outcome::kSuspended). Touches no keys.
  kAsksCores = 1u << 28,
  // Ours: touches keys that its arguments do not name (in a transaction: needs the gate).
  kAnyKeys = 1u << 29,
  // Ours: runs alone, under the global gate.
  kGlobal = 1u << 30,
};

// ACL categories beyond those that follow from flags (write, read, admin, pubsub, blocking, fast).
enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0,
  kAclString = 1u << 1,
  kAclConnection = 1u << 2,
  kAclDangerous = 1u << 3,
  kAclList = 1u << 4,
  kAclHash = 1u << 5,
  kAclSet = 1u << 6,
  kAclSortedSet = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperLogLog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclTransaction = 1u << 12,
  kAclScripting = 1u << 13,
  kAclAdmin = 1u << 14,  // without the flag: LASTSAVE, ROLE
};

// How a key is used: one of RO, RW, OW, RM, and what is done with its value.
enum KeyFlag : uint16_t {
  kKeyRo = 1u << 0,
  kKeyRw = 1u << 1,
  kKeyOw = 1u << 2,
  kKeyRm = 1u << 3,
  kKeyAccess = 1u << 4,
  kKeyUpdate = 1u << 5,
  kKeyInsert = 1u << 6,
  kKeyDelete = 1u << 7,
  kKeyVariableFlags = 1u << 8,
};

// How the keys of a specification are found; command_keys.h finds them.
enum class KeyForm : uint8_t {
  // At argument first, first+step, … up to last (negative: counted from the end).
  kRange,
  // Argument `first` is their number, they follow it: ZUNION numkeys key [key …].
  kCounted,
  // After the first `word` from argument `first` on: `last` more than one key, or, if that is -1,
  // the first one of `limit` equal parts of the arguments that are left (XREAD: 2). None without
  // the word; the former kind after each of several.
  kAfterWord,
  // The argument of SORT's STORE. To clients, which cannot tell which STORE is one: unknown.
  kStoreOption,
  // Named by what a key holds (SORT's BY and GET), so unknown to everybody.
  kFromContent,
};

// A group of key arguments: {first, last, step, flags}, or for the other forms
// {2, 0, 1, flags, KeyForm::kCounted}, {1, -1, 1, flags, KeyForm::kAfterWord, "STREAMS", 2},
// {0, 0, 1, flags, KeyForm::kStoreOption}. Commands with another form than kRange have the flag
// kMovableKeys.
struct KeySpec {
  int16_t first = 0;
  int16_t last = 0;
  int16_t step = 0;
  uint16_t flags = 0;
  KeyForm form = KeyForm::kRange;
  std::string_view word = {};
  int16_t limit = 0;

  constexpr bool used() const { return step != 0; }
};

struct CommandRow {
  std::string_view name;  // lower case; a subcommand is "container|sub"
  int arity;              // exact count with the name, or minus the least count
  uint32_t flags;
  std::array<KeySpec, 3> keys = {};
  uint32_t acl = 0;
  std::string_view since;
  std::string_view group;  // as COMMAND DOCS has it: "string", "generic", "server", …
  std::string_view complexity;
  std::string_view summary;
  Handler handler = nullptr;  // nullptr for a container, whose subcommands have handlers
  // What COMMAND DOCS calls arguments, in the notation of its pages: lower-case words are values,
  // upper-case ones are typed as they stand, [] is optional, <a | b> a choice, … after a word or
  // group repeats it: "key value [NX | XX] [EX seconds | PX milliseconds]". Empty: no arguments.
  std::string_view syntax = {};
  std::string_view tips = {};  // comma-separated, as COMMAND INFO lists them
};

// A command as the dispatcher sees it: its row, its place in the statistics, its subcommands.
struct Command {
  const CommandRow* row = nullptr;
  size_t id = 0;                      // index into per-core statistics
  std::span<const Command> children;  // sorted by name
};

struct CommandContext {
  Engine& engine;
  OpContext& op;
  CoreContext& core;
  SharedState& shared;
  Client& client;
  protocol::ReplyWriter& reply;
  // args[0] is the command's name; views into the connection's input, valid during the command.
  std::span<const Bytes> args;
  const Command* command;
  // Hash of the first key if the dispatcher has computed it for prefetching.
  uint64_t first_key_hash = 0;
  int first_key_index = 0;
  RunMode mode = RunMode::kNormal;
  // The global gate is held: no other command runs.
  bool alone = false;

  size_t argc() const { return args.size(); }
  Database& db();
  KeyRef key(size_t i) const {
    if (static_cast<int>(i) == first_key_index) return {args[i], first_key_hash};
    return KeyRef::Of(args[i]);
  }
};

// Case-insensitive comparison of an argument with an upper- or lower-case ASCII word.
bool EqualsIgnoreCase(Bytes arg, std::string_view word);

// One parsed command of a batch with what was found ahead of its execution.
struct ParsedCommand {
  std::span<const Bytes> args;
  const Command* command = nullptr;  // nullptr: unknown, or an unknown subcommand
  uint64_t key_hash = 0;
  int key_index = 0;  // 0: no key known ahead
};

}  // namespace mantis::server
