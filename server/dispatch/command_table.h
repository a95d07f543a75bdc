// All commands, looked up by name without regard to case.
//
// A command that was renamed is called by its new name only, and one that was removed not at all.
// Its row keeps its name, which is what COMMAND, statistics and error texts show, as Redis does.
//
// Thread safety: built and renamed before threads start, read-only afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/dispatch/command.h"

namespace mantis::server {

class CommandTable {
 public:
  static const CommandTable& Instance();

  // For rename-command: `name` is called `new_name` from here on, together with its subcommands; an
  // empty `new_name` removes it. Returns what is wrong in Redis's words, or nothing. Invalidates
  // all Command pointers, so it is for the time before the threads start.
  static std::optional<std::string> Rename(const std::string& name, const std::string& new_name);

  // The command or container called `name`; nullptr if unknown.
  const Command* Find(Bytes name) const;
  // The command that `args` names, a subcommand where args[0] is a container; nullptr if unknown.
  const Command* Resolve(std::span<const Bytes> args) const;
  // The command whose row has that name, whatever it is called now; nullptr if it was removed.
  const Command* FindByRowName(std::string_view name) const;
  // Whether this is a command and not a subcommand.
  bool IsTopLevel(const Command* command) const {
    return command >= commands_.data() && command < commands_.data() + commands_.size();
  }
  // "container|sub" or plain names, for COMMAND INFO, ACL…
  const Command* FindFullName(Bytes name) const;

  // Top-level commands in the order of their rows' names, without those removed.
  std::span<const Command> commands() const { return commands_; }
  // Commands and subcommands together: ids run from 0 to size()-1.
  size_t size() const { return by_id_.size(); }
  const CommandRow& row(size_t id) const { return *by_id_[id]; }

 private:
  CommandTable();
  static CommandTable& Mutable();
  void IndexNames();

  std::vector<Command> commands_;
  std::vector<std::string> names_;  // what each is called, in lower case
  std::vector<std::vector<Command>> children_;
  std::vector<const CommandRow*> by_id_;
  // Open addressing over the lower-case name's hash: index into commands_ plus one, 0 is free.
  std::vector<uint16_t> slots_;
};

// The families; each is defined at the bottom of its file.
std::span<const CommandRow> StringCommands();
std::span<const CommandRow> StringNumberCommands();
std::span<const CommandRow> StringRangeCommands();
std::span<const CommandRow> BitfieldCommands();
std::span<const CommandRow> BitmapCommands();
std::span<const CommandRow> HyperLogLogCommands();
std::span<const CommandRow> GeoCommands();
std::span<const CommandRow> GeoSearchCommands();
std::span<const CommandRow> KeyCommands();
std::span<const CommandRow> ObjectCommands();
std::span<const CommandRow> DumpCommands();
std::span<const CommandRow> SortCommands();
std::span<const CommandRow> ScanCommands();
std::span<const CommandRow> ExpireCommands();
std::span<const CommandRow> StreamCommands();
std::span<const CommandRow> StreamReadCommands();
std::span<const CommandRow> StreamGroupCommands();
std::span<const CommandRow> StreamPendingCommands();
std::span<const CommandRow> StreamClaimCommands();
std::span<const CommandRow> StreamInfoCommands();
std::span<const CommandRow> OrderedCommands();
std::span<const CommandRow> HashCommands();
std::span<const CommandRow> HashNumberCommands();
std::span<const CommandRow> HashExpireCommands();
std::span<const CommandRow> ListCommands();
std::span<const CommandRow> ListEditCommands();
std::span<const CommandRow> ListMoveCommands();
std::span<const CommandRow> ConnectionCommands();
std::span<const CommandRow> ClientCommands();
std::span<const CommandRow> ConfigCommands();
std::span<const CommandRow> IntrospectionCommands();
std::span<const CommandRow> ServerCommands();
std::span<const CommandRow> MemoryCommands();
std::span<const CommandRow> LatencyCommands();
std::span<const CommandRow> PersistenceCommands();
std::span<const CommandRow> DebugCommands();
std::span<const CommandRow> SetCommands();
std::span<const CommandRow> SetAlgebraCommands();
std::span<const CommandRow> StandaloneCommands();
std::span<const CommandRow> TransactionCommands();
std::span<const CommandRow> SortedSetCommands();
std::span<const CommandRow> SortedSetRangeCommands();
std::span<const CommandRow> SortedSetAlgebraCommands();
std::span<const CommandRow> SortedSetPopCommands();

}  // namespace mantis::server
