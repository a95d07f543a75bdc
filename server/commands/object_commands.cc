// OBJECT: how a key's value is kept and when it was used.

#include <array>

#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/commands/key_inspect.h"
#include "server/commands/value_encoding.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// Finds the key without touching it and lets `answer(entry)` reply; null if there is none.
template <class Answer>
Outcome Describe(CommandContext& c, Answer&& answer) {
  Current now;
  Entry* entry = nullptr;
  const Status s = Inspect(c, c.key(2), &now, &entry);
  if (s == Status::kBusy) return Outcome::kBusy;
  if (s != Status::kOk) {
    c.reply.Null();
    return Done();
  }
  answer(*entry);
  return Done();
}

Outcome Encoding(CommandContext& c) {
  const TouchScope scope(c.op, true);
  const Status s = c.db().ReadValue(
      c.op, c.key(2),
      [&](const Current& now) {
        c.reply.Bulk(EncodingName(now.value));
        return Status::kOk;
      },
      Database::Access::kRead);
  if (s == Status::kBusy) return Outcome::kBusy;
  if (s != Status::kOk) c.reply.Null();
  return Done();
}

Outcome Frequency(CommandContext& c) {
  return Describe(c, [&](const Entry& entry) {
    if (!c.engine.cache().lfu()) {
      c.reply.Error(
          "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
          "that when switching between policies at runtime LRU and LFU data will take some time "
          "to adjust.");
      return;
    }
    c.reply.Integer(c.engine.cache().Frequency(&entry, c.op.now_ms()));
  });
}

Outcome IdleTime(CommandContext& c) {
  return Describe(c, [&](const Entry& entry) {
    if (c.engine.cache().lfu()) {
      c.reply.Error(
          "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
          "switching between policies at runtime LRU and LFU data will take some time to adjust.");
      return;
    }
    c.reply.Integer(c.engine.cache().IdleSeconds(&entry, c.op.now_ms()));
  });
}

Outcome RefCount(CommandContext& c) {
  // Values are never shared between keys.
  return Describe(c, [&](const Entry&) { c.reply.Integer(1); });
}

Outcome Help(CommandContext& c) {
  constexpr std::array<std::string_view, 8> kLines = {
      "ENCODING <key>",
      "    Tell how the value of <key> is represented: int, listpack, hashtable…",
      "FREQ <key>",
      "    Tell the access counter of <key>, which grows with the logarithm of its uses.",
      "IDLETIME <key>",
      "    Tell for how many seconds <key> has not been used.",
      "REFCOUNT <key>",
      "    Tell how many references the value of <key> has.",
  };
  return ReplyHelp(c, "OBJECT", kLines);
}

constexpr std::string_view kTips = "nondeterministic_output";

constexpr CommandRow kRows[] = {
    {"object",
     -2,
     0,
     {},
     0,
     "2.2.3",
     "generic",
     "Depends on the subcommand.",
     "Holds the commands that look at how values are kept."},
    {"object|encoding",
     3,
     kReadonly,
     {{{2, 2, 1, kKeyRo}}},
     kAclKeyspace,
     "2.2.3",
     "generic",
     "O(1)",
     "Tells how the value of a key is represented.",
     Encoding,
     "key",
     kTips},
    {"object|freq",
     3,
     kReadonly,
     {{{2, 2, 1, kKeyRo}}},
     kAclKeyspace,
     "4.0.0",
     "generic",
     "O(1)",
     "Tells how often a key is used, as a logarithmic counter.",
     Frequency,
     "key",
     kTips},
    {"object|idletime",
     3,
     kReadonly,
     {{{2, 2, 1, kKeyRo}}},
     kAclKeyspace,
     "2.2.3",
     "generic",
     "O(1)",
     "Tells for how many seconds a key has not been used.",
     IdleTime,
     "key",
     kTips},
    {"object|refcount",
     3,
     kReadonly,
     {{{2, 2, 1, kKeyRo}}},
     kAclKeyspace,
     "2.2.3",
     "generic",
     "O(1)",
     "Tells how many references the value of a key has.",
     RefCount,
     "key",
     kTips},
    HelpRow("object|help", "generic", kAclKeyspace, "6.2.0", Help),
};

}  // namespace

std::span<const CommandRow> ObjectCommands() { return kRows; }

}  // namespace mantis::server
