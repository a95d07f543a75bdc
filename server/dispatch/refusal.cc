#include "server/dispatch/refusal.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <string>

#include "server/commands/args.h"
#include "server/core/log.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

constexpr std::string_view kNoAuthError = "NOAUTH Authentication required.";

// Redis shows at most 128 bytes of what it quotes back.
constexpr size_t kQuotedMax = 128;

// Like a C string: up to the first NUL.
Bytes Quotable(Bytes text, size_t most) { return text.substr(0, std::min(text.find('\0'), most)); }

// A browser made to send requests here by a hostile page says POST or Host:. Nothing of what it
// says is executed.
bool LooksLikeHttp(Bytes name) {
  return EqualsIgnoreCase(name, "post") || EqualsIgnoreCase(name, "host:");
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

}  // namespace

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

}  // namespace mantis::server
