// COMMAND: the command table as clients read it.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "config/glob.h"
#include "server/commands/args.h"
#include "server/commands/command_describe.h"
#include "server/commands/help.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

Outcome CommandAll(CommandContext& c) {
  const auto commands = CommandTable::Instance().commands();
  c.reply.Array(commands.size());
  for (const Command& command : commands) WriteCommandInfo(c.reply, command);
  return Done();
}

Outcome CommandCount(CommandContext& c) {
  c.reply.Integer(static_cast<int64_t>(CommandTable::Instance().commands().size()));
  return Done();
}

Outcome CommandInfo(CommandContext& c) {
  if (c.argc() == 2) return CommandAll(c);
  const auto names = c.args.subspan(2);
  c.reply.Array(names.size());
  for (const Bytes name : names) {
    const Command* command = CommandTable::Instance().FindFullName(name);
    if (command == nullptr) {
      c.reply.Null();
    } else {
      WriteCommandInfo(c.reply, *command);
    }
  }
  return Done();
}

Outcome CommandDocs(CommandContext& c) {
  std::vector<const Command*> wanted;
  if (c.argc() == 2) {
    for (const Command& command : CommandTable::Instance().commands()) wanted.push_back(&command);
  }
  for (const Bytes name : c.args.subspan(2)) {
    const Command* command = CommandTable::Instance().FindFullName(name);
    if (command != nullptr) wanted.push_back(command);
  }
  c.reply.Map(wanted.size());
  for (const Command* command : wanted) {
    c.reply.Bulk(command->row->name);
    WriteCommandDocs(c.reply, *command);
  }
  return Done();
}

enum class Filter { kNone, kNothing, kCategory, kPattern };

bool Passes(const CommandRow& row, Filter filter, Bytes arg) {
  switch (filter) {
    case Filter::kNone:
      return true;
    case Filter::kNothing:
      return false;
    case Filter::kPattern:
      return config::GlobPattern(arg, config::GlobPattern::Case::kIgnored).Matches(row.name);
    case Filter::kCategory:
      break;
  }
  const auto categories = CategoryNames(row);
  return std::any_of(categories.begin(), categories.end(),
                     [&](std::string_view name) { return EqualsIgnoreCase(arg, name); });
}

Outcome CommandList(CommandContext& c) {
  Filter filter = Filter::kNone;
  Bytes arg;
  if (c.argc() == 5 && EqualsIgnoreCase(c.args[2], "filterby")) {
    arg = c.args[4];
    if (EqualsIgnoreCase(c.args[3], "module")) {
      filter = Filter::kNothing;  // there are no modules
    } else if (EqualsIgnoreCase(c.args[3], "aclcat")) {
      filter = Filter::kCategory;
    } else if (EqualsIgnoreCase(c.args[3], "pattern")) {
      filter = Filter::kPattern;
    } else {
      return SyntaxError(c);
    }
  } else if (c.argc() != 2) {
    return SyntaxError(c);
  }
  std::vector<std::string_view> names;
  for (const Command& command : CommandTable::Instance().commands()) {
    if (Passes(*command.row, filter, arg)) names.push_back(command.row->name);
    for (const Command& child : command.children) {
      if (Passes(*child.row, filter, arg)) names.push_back(child.row->name);
    }
  }
  c.reply.Array(names.size());
  for (const std::string_view name : names) c.reply.Bulk(name);
  return Done();
}

// Writes the error and returns false where no keys can be told.
bool KeysOfArguments(CommandContext& c, std::vector<KeyUse>* out) {
  const auto args = c.args.subspan(2);
  const Command* command = CommandTable::Instance().Resolve(args);
  if (command == nullptr) {
    Fail(c, "ERR Invalid command specified");
    return false;
  }
  const CommandRow& row = *command->row;
  if (!row.keys[0].used()) {
    Fail(c, "ERR The command has no key arguments");
    return false;
  }
  const auto argc = static_cast<int>(args.size());
  if (row.arity >= 0 ? argc != row.arity : argc < -row.arity) {
    Fail(c, "ERR Invalid number of arguments specified for command");
    return false;
  }
  if (!FindKeys(row, args, out) || out->empty()) {
    Fail(c, "ERR Invalid arguments specified for command");
    return false;
  }
  return true;
}

Outcome CommandGetKeys(CommandContext& c) {
  std::vector<KeyUse> keys;
  if (!KeysOfArguments(c, &keys)) return Done();
  c.reply.Array(keys.size());
  for (const KeyUse& use : keys) c.reply.Bulk(use.key);
  return Done();
}

Outcome CommandGetKeysAndFlags(CommandContext& c) {
  std::vector<KeyUse> keys;
  if (!KeysOfArguments(c, &keys)) return Done();
  c.reply.Array(keys.size());
  for (const KeyUse& use : keys) {
    c.reply.Array(2);
    c.reply.Bulk(use.key);
    const auto flags = KeyFlagNames(use.flags);
    c.reply.Set(flags.size());
    for (const std::string_view flag : flags) c.reply.SimpleString(flag);
  }
  return Done();
}

Outcome CommandHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "(no subcommand)",
      "    Describe all commands.",
      "COUNT",
      "    Show how many commands there are.",
      "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <pattern>)]",
      "    Show the commands' names.",
      "INFO [<command> ...]",
      "    Describe these commands, all if none is named: arity, flags, keys, categories.",
      "DOCS [<command> ...]",
      "    Show the documentation of these commands, of all if none is named.",
      "GETKEYS <full-command>",
      "    Show which arguments of a command are keys.",
      "GETKEYSANDFLAGS <full-command>",
      "    Show which arguments of a command are keys, and how they are used.",
  });
  return ReplyHelp(c, "COMMAND", kLines);
}

constexpr CommandRow Row(std::string_view name, int arity, std::string_view since, Handler handler,
                         std::string_view syntax, std::string_view summary,
                         std::string_view complexity, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kLoading | kStale,
          .acl = kAclConnection,
          .since = since,
          .group = "server",
          .complexity = complexity,
          .summary = summary,
          .handler = handler,
          .syntax = syntax,
          .tips = tips};
}

constexpr std::string_view kPerCommand = "O(N) where N is the number of commands";
constexpr std::string_view kPerLookup = "O(N) where N is the number of commands to look up";
constexpr std::string_view kPerArgument = "O(N) where N is the number of arguments to the command";
constexpr std::string_view kAnyOrder = "nondeterministic_output_order";

constexpr auto kRows = std::to_array<CommandRow>({
    Row("command", -1, "2.8.13", CommandAll, "", "Describes all commands.", kPerCommand, kAnyOrder),
    Row("command|count", 2, "2.8.13", CommandCount, "", "Counts the commands.", "O(1)"),
    Row("command|docs", -2, "7.0.0", CommandDocs, "[command-name ...]",
        "Shows the documentation of commands.", kPerLookup, kAnyOrder),
    Row("command|getkeys", -4, "2.8.13", CommandGetKeys, "command [arg ...]",
        "Shows which arguments of a command are keys.", kPerArgument),
    Row("command|getkeysandflags", -4, "7.0.0", CommandGetKeysAndFlags, "command [arg ...]",
        "Shows which arguments of a command are keys, and how they are used.", kPerArgument),
    HelpRow("command|help", "server", kAclConnection, "5.0.0", CommandHelp),
    Row("command|info", -2, "2.8.13", CommandInfo, "[command-name ...]", "Describes commands.",
        kPerLookup, kAnyOrder),
    Row("command|list", -2, "7.0.0", CommandList,
        "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
        "Shows the names of commands.", kPerCommand, kAnyOrder),
});

}  // namespace

std::span<const CommandRow> IntrospectionCommands() { return kRows; }

}  // namespace mantis::server
