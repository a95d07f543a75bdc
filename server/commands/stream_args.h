// What the commands on streams share: ids in text, trimming options, entries in replies.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include <absl/container/inlined_vector.h>

#include <string>

#include "engine/value/stream.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// Work is counted up to here: more than TooLong() lets an event loop do.
constexpr size_t kStreamWorkMax = 20'000;

using StreamIds = absl::InlinedVector<StreamId, 8>;

// "ms-seq", or "ms" with `missing_seq` for what is not there. Nothing else, not even blanks; but
// leading zeros and a plus, which Redis allows.
bool ReadStreamId(Bytes text, uint64_t missing_seq, StreamId* out);

// Each writes the error and returns false if the text is none.
bool ParseStreamId(CommandContext& c, Bytes text, StreamId* out);
// Arguments from `first` on.
bool ParseStreamIds(CommandContext& c, size_t first, StreamIds* out);
// The same, with "-" and "+" for the ends of all there may be.
bool ParseStreamIdOrEnd(CommandContext& c, Bytes text, uint64_t missing_seq, StreamId* out);
// An end of a range: as before, or "(" and an id that is not part of the range.
bool ParseRangeStart(CommandContext& c, Bytes text, StreamId* out);
bool ParseRangeEnd(CommandContext& c, Bytes text, StreamId* out);

// What is written between the key and the fields of XADD, and behind the key of XTRIM.
struct StreamAddOptions {
  StreamTrim trim;
  bool no_create = false;
  // XADD: the id, if it is not `*`; and its second half, if it is not `ms-*`.
  bool id_given = false;
  bool seq_given = true;
  StreamId id;
  size_t next = 0;  // the argument behind them
};
bool ParseAddOptions(CommandContext& c, StreamAddOptions* out);
bool ParseTrimOptions(CommandContext& c, StreamAddOptions* out);

// "ms-seq" as a bulk string.
void ReplyStreamId(CommandContext& c, StreamId id);
// The entry the cursor is at: its id, and its fields and values in turn.
void ReplyStreamEntry(CommandContext& c, StreamCursor& at);
// An array of the entries the cursor still comes to, `count` at most.
void ReplyStreamEntries(CommandContext& c, StreamCursor& at, size_t count);
// For edits that reply with so many entries while they hand them out: makes sure of the memory
// before, as much as so many take on average, and as much again. Throws std::bad_alloc.
void EnsureEntriesReply(const Stream& stream, size_t entries);

// How commands on a group (key and group are arguments 1 and 2) end that have written their reply
// where they found both; kNotFound if they did not.
Outcome EndOfGroupCommand(CommandContext& c, Status s);
Outcome NoSuchGroup(CommandContext& c, Bytes key, Bytes group);
Outcome UnknownSubcommandForm(CommandContext& c);

// The row of a command with one key: its first argument, or the first behind the subcommand.
constexpr CommandRow StreamRow(std::string_view name, int arity, uint32_t flags, uint16_t key_flags,
                               std::string_view since, std::string_view complexity,
                               std::string_view summary, Handler handler, std::string_view syntax,
                               std::string_view tips = {}) {
  const int16_t key = name.find('|') == std::string_view::npos ? 1 : 2;
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .keys = {{{key, key, 1, key_flags}}},
          .acl = kAclStream,
          .since = since,
          .group = "stream",
          .complexity = complexity,
          .summary = summary,
          .handler = handler,
          .syntax = syntax,
          .tips = tips};
}

// The row of `xgroup` or `xinfo` themselves.
constexpr CommandRow StreamContainerRow(std::string_view name, std::string_view summary) {
  return {.name = name,
          .arity = -2,
          .flags = 0,
          .since = "5.0.0",
          .group = "stream",
          .complexity = "Depends on the subcommand.",
          .summary = summary};
}

// Tip of commands whose replies hold times.
inline constexpr std::string_view kStreamAnyOutput = "nondeterministic_output";

}  // namespace mantis::server
