// Transactions: the rows of MULTI, EXEC, DISCARD, WATCH and UNWATCH. What they do is in
// server/dispatch/transaction.cc.

#include "server/dispatch/command_table.h"
#include "server/dispatch/transaction.h"

namespace mantis::server {
namespace {

constexpr uint32_t kSteering = kNoScript | kLoading | kStale | kFast | kAllowBusy;

constexpr CommandRow Row(std::string_view name, uint32_t flags, std::string_view since,
                         Handler handler, std::string_view summary, std::string_view complexity) {
  return {.name = name,
          .arity = 1,
          .flags = flags,
          .acl = kAclTransaction,
          .since = since,
          .group = "transactions",
          .complexity = complexity,
          .summary = summary,
          .handler = handler};
}

constexpr auto kRows = std::to_array<CommandRow>({
    Row("multi", kSteering, "1.2.0", Multi, "Begins to queue commands for EXEC.", "O(1)"),
    Row("exec", kNoScript | kLoading | kStale | kSkipSlowlog, "1.2.0", Exec,
        "Executes the queued commands, with nothing in between.", "Depends on the queued commands"),
    Row("discard", kSteering, "2.0.0", Discard, "Drops the queued commands.",
        "O(N), when N is the number of queued commands"),
    {.name = "watch",
     .arity = -2,
     .flags = kSteering,
     .keys = {{{1, -1, 1, kKeyRo}}},
     .acl = kAclTransaction,
     .since = "2.2.0",
     .group = "transactions",
     .complexity = "O(1) for every key",
     .summary = "Lets EXEC do nothing if one of these keys has changed by then.",
     .handler = Watch,
     .syntax = "key ..."},
    Row("unwatch", kSteering, "2.2.0", Unwatch, "Forgets the watched keys.",
        "O(N), when N is the number of watched keys"),
});

}  // namespace

std::span<const CommandRow> TransactionCommands() { return kRows; }

}  // namespace mantis::server
