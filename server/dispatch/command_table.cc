#include "server/dispatch/command_table.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace mantis::server {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Folds case by setting bit 5, which also folds a few other characters: equality is checked later.
uint64_t NameHash(Bytes name) {
  uint64_t h = 0x9e3779b97f4a7c15ull ^ name.size();
  while (!name.empty()) {
    uint64_t word = 0;
    const size_t n = std::min<size_t>(8, name.size());
    std::memcpy(&word, name.data(), n);
    h = (h ^ (word | 0x2020202020202020ull)) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
    name.remove_prefix(n);
  }
  return h;
}

std::vector<std::span<const CommandRow>> Families() {
  return {StringCommands(),
          StringRangeCommands(),
          KeyCommands(),
          ExpireCommands(),
          ObjectCommands(),
          ScanCommands(),
          OrderedCommands(),
          ListCommands(),
          ListEditCommands(),
          ListMoveCommands(),
          ConnectionCommands(),
          ClientCommands(),
          ConfigCommands(),
          IntrospectionCommands(),
          ServerCommands(),
          StandaloneCommands(),
          MemoryCommands(),
          LatencyCommands(),
          PersistenceCommands(),
          DebugCommands(),
          TransactionCommands(),
          DumpCommands(),
          SortCommands(),
          BitmapCommands(),
          BitfieldCommands(),
          HyperLogLogCommands(),
          GeoCommands(),
          GeoSearchCommands(),
          StringNumberCommands(),
          HashCommands(),
          HashNumberCommands(),
          HashExpireCommands(),
          StreamCommands(),
          StreamReadCommands(),
          StreamGroupCommands(),
          StreamPendingCommands(),
          StreamClaimCommands(),
          StreamInfoCommands(),
          SortedSetCommands(),
          SortedSetRangeCommands(),
          SortedSetAlgebraCommands(),
          SortedSetPopCommands(),
          SetCommands(),
          SetAlgebraCommands()};
}

}  // namespace

bool EqualsIgnoreCase(Bytes arg, std::string_view word) {
  if (arg.size() != word.size()) return false;
  for (size_t i = 0; i < arg.size(); ++i) {
    if (Lower(arg[i]) != Lower(word[i])) return false;
  }
  return true;
}

const CommandTable& CommandTable::Instance() { return Mutable(); }

CommandTable& CommandTable::Mutable() {
  static CommandTable table;
  return table;
}

CommandTable::CommandTable() {
  std::vector<const CommandRow*> top;
  std::vector<const CommandRow*> sub;
  for (const auto family : Families()) {
    for (const CommandRow& row : family) {
      (row.name.find('|') == Bytes::npos ? top : sub).push_back(&row);
    }
  }
  const auto by_name = [](const CommandRow* a, const CommandRow* b) { return a->name < b->name; };
  std::sort(top.begin(), top.end(), by_name);
  std::sort(sub.begin(), sub.end(), by_name);
  children_.resize(top.size());
  for (size_t i = 0; i < top.size(); ++i) {
    Command command{top[i], by_id_.size(), {}};
    by_id_.push_back(top[i]);
    const std::string prefix = std::string(top[i]->name) + "|";
    for (const CommandRow* row : sub) {
      if (!row->name.starts_with(prefix)) continue;
      children_[i].push_back({row, by_id_.size(), {}});
      by_id_.push_back(row);
    }
    command.children = children_[i];
    commands_.push_back(command);
  }
  for (const Command& command : commands_) names_.emplace_back(command.row->name);
  IndexNames();
}

void CommandTable::IndexNames() {
  size_t slots = 64;
  while (slots < commands_.size() * 4) slots *= 2;
  slots_.assign(slots, 0);
  for (size_t i = 0; i < commands_.size(); ++i) {
    size_t at = NameHash(names_[i]) & (slots - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots - 1);
    slots_[at] = static_cast<uint16_t>(i + 1);
  }
}

std::optional<std::string> CommandTable::Rename(const std::string& name,
                                                const std::string& new_name) {
  CommandTable& table = Mutable();
  const Command* command = table.Find(name);
  if (command == nullptr) return "No such command in rename-command";
  // The old name goes first, so that a command may be renamed to what it was called already.
  const auto at = command - table.commands_.data();
  std::string& called = table.names_[static_cast<size_t>(at)];
  if (new_name.empty()) {
    table.commands_.erase(table.commands_.begin() + at);
    table.names_.erase(table.names_.begin() + at);
  } else {
    const Command* other = table.Find(new_name);
    if (other != nullptr && other != command) return "Target command name already exists";
    called = new_name;
    std::transform(called.begin(), called.end(), called.begin(), Lower);
  }
  table.IndexNames();
  return std::nullopt;
}

const Command* CommandTable::Find(Bytes name) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = NameHash(name) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const size_t i = slots_[at] - 1u;
    if (EqualsIgnoreCase(name, names_[i])) return &commands_[i];
  }
  return nullptr;
}

const Command* CommandTable::FindByRowName(std::string_view name) const {
  const auto found = std::lower_bound(
      commands_.begin(), commands_.end(), name,
      [](const Command& command, std::string_view wanted) { return command.row->name < wanted; });
  return found != commands_.end() && found->row->name == name ? &*found : nullptr;
}

const Command* CommandTable::Resolve(std::span<const Bytes> args) const {
  const Command* c = Find(args[0]);
  if (c == nullptr || c->children.empty() || args.size() < 2) return c;
  for (const Command& child : c->children) {
    if (EqualsIgnoreCase(args[1], child.row->name.substr(c->row->name.size() + 1))) return &child;
  }
  // A container that is also a command by itself (COMMAND) still needs a known subcommand.
  return nullptr;
}

const Command* CommandTable::FindFullName(Bytes name) const {
  const size_t bar = name.find('|');
  if (bar == Bytes::npos) return Find(name);
  const Command* container = Find(name.substr(0, bar));
  if (container == nullptr || container->children.empty()) return nullptr;
  const std::array<Bytes, 2> parts{name.substr(0, bar), name.substr(bar + 1)};
  return Resolve(parts);
}

}  // namespace mantis::server
