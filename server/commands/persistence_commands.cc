// SAVE, BGSAVE, LASTSAVE: snapshots on demand.

#include <array>
#include <string>

#include "server/commands/args.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"

namespace mantis::server {
namespace {

Outcome FailSave(CommandContext& c, const std::string& error) { return Fail(c, "ERR " + error); }

// Runs alone, so what it saves is one instant.
Outcome Save(CommandContext& c) {
  if (const auto error = c.shared.persistence->Save(c.op)) return FailSave(c, *error);
  c.reply.Ok();
  return Done();
}

Outcome BgSave(CommandContext& c) {
  // SCHEDULE lets a save wait for the end of a log rewrite; there is none that it could wait for.
  if (c.argc() > 2 || (c.argc() == 2 && !EqualsIgnoreCase(c.args[1], "schedule"))) {
    return SyntaxError(c);
  }
  if (const auto error = c.shared.persistence->StartBackgroundSave()) return FailSave(c, *error);
  c.reply.SimpleString("Background saving started");
  return Done();
}

Outcome LastSave(CommandContext& c) {
  c.reply.Integer(c.shared.persistence->last_save_at());
  return Done();
}

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "save",
     .arity = 1,
     .flags = kAdmin | kNoScript | kNoAsyncLoading | kNoMulti | kGlobal,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) where N is the total number of keys in all databases",
     .summary = "Writes a snapshot of one instant while all other clients wait.",
     .handler = Save},
    {.name = "bgsave",
     .arity = -1,
     .flags = kAdmin | kNoScript | kNoAsyncLoading,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Writes a snapshot in the background while clients go on.",
     .handler = BgSave,
     .syntax = "[SCHEDULE]"},
    {.name = "lastsave",
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .acl = kAclAdmin | kAclDangerous,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Answers the Unix time of the last successful snapshot.",
     .handler = LastSave,
     .tips = "nondeterministic_output"},
});

}  // namespace

std::span<const CommandRow> PersistenceCommands() { return kRows; }

}  // namespace mantis::server
