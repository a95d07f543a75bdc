#include "server/commands/command_describe.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "server/dispatch/command_syntax.h"

namespace mantis::server {
namespace {

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

// Redis does not tell may_replicate either.
constexpr auto kFlagNames = std::to_array<FlagName>({
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
});

constexpr auto kKeyFlagNames = std::to_array<FlagName>({
    {kKeyRo, "RO"},
    {kKeyRw, "RW"},
    {kKeyOw, "OW"},
    {kKeyRm, "RM"},
    {kKeyAccess, "access"},
    {kKeyUpdate, "update"},
    {kKeyInsert, "insert"},
    {kKeyDelete, "delete"},
    {kKeyVariableFlags, "variable_flags"},
});

// In Redis's order. A category is implied by a command flag, given in the row, or both; "slow" is
// the lack of a flag.
struct Category {
  std::string_view name;
  uint32_t acl;
  uint32_t implied_by;
};

constexpr auto kCategories = std::to_array<Category>({
    {"keyspace", kAclKeyspace, 0},
    {"read", 0, kReadonly},
    {"write", 0, kWrite},
    {"set", kAclSet, 0},
    {"sortedset", kAclSortedSet, 0},
    {"list", kAclList, 0},
    {"hash", kAclHash, 0},
    {"string", kAclString, 0},
    {"bitmap", kAclBitmap, 0},
    {"hyperloglog", kAclHyperLogLog, 0},
    {"geo", kAclGeo, 0},
    {"stream", kAclStream, 0},
    {"pubsub", 0, kPubsub},
    {"admin", kAclAdmin, kAdmin},
    {"fast", 0, kFast},
    {"slow", 0, 0},
    {"blocking", 0, kBlocking},
    {"dangerous", kAclDangerous, kAdmin},
    {"connection", kAclConnection, 0},
    {"transaction", kAclTransaction, 0},
    {"scripting", kAclScripting, 0},
});

std::vector<std::string_view> NamesOf(std::span<const FlagName> names, uint32_t flags) {
  std::vector<std::string_view> found;
  for (const FlagName& f : names) {
    if ((flags & f.flag) != 0) found.push_back(f.name);
  }
  return found;
}

// Where the keys of the row lie in one range, as clients before Redis 7 learn it: as many of its
// specifications as join up.
KeySpec LegacyRange(const CommandRow& row) {
  KeySpec all;
  for (const KeySpec& spec : row.keys) {
    if (!spec.used() || spec.form != KeyForm::kRange) continue;
    if (!all.used()) {
      all = spec;
    } else if (spec.step == 1 && all.step == 1 && all.last >= 0 && spec.first == all.last + 1) {
      all.last = spec.last;
    }
  }
  return all;
}

void WriteStatusSet(protocol::ReplyWriter& reply, std::span<const std::string_view> names,
                    std::string_view prefix = {}) {
  reply.Set(names.size());
  for (const std::string_view name : names) reply.SimpleString(std::string(prefix).append(name));
}

void WriteTips(protocol::ReplyWriter& reply, std::string_view tips) {
  const auto commas = static_cast<size_t>(std::count(tips.begin(), tips.end(), ','));
  reply.Set(tips.empty() ? 0 : commas + 1);
  while (!tips.empty()) {
    const size_t comma = std::min(tips.find(','), tips.size());
    reply.Bulk(tips.substr(0, comma));
    tips.remove_prefix(std::min(comma + 1, tips.size()));
  }
}

bool ToldToClients(KeyForm form) {
  return form != KeyForm::kStoreOption && form != KeyForm::kFromContent;
}

void WriteBeginSearch(protocol::ReplyWriter& reply, const KeySpec& spec) {
  const bool by_word = spec.form == KeyForm::kAfterWord;
  reply.Map(2);
  reply.Bulk("type");
  if (!ToldToClients(spec.form)) {
    reply.Bulk("unknown");
    reply.Bulk("spec");
    reply.Map(0);
    return;
  }
  reply.Bulk(by_word ? "keyword" : "index");
  reply.Bulk("spec");
  reply.Map(by_word ? 2 : 1);
  if (by_word) {
    reply.Bulk("keyword");
    reply.Bulk(spec.word);
  }
  reply.Bulk(by_word ? "startfrom" : "index");
  reply.Integer(spec.first);
}

void WriteFindKeys(protocol::ReplyWriter& reply, const KeySpec& spec) {
  const auto field = [&](std::string_view name, int value) {
    reply.Bulk(name);
    reply.Integer(value);
  };
  reply.Map(2);
  reply.Bulk("type");
  if (!ToldToClients(spec.form)) {
    reply.Bulk("unknown");
    reply.Bulk("spec");
    reply.Map(0);
    return;
  }
  const bool counted = spec.form == KeyForm::kCounted;
  reply.Bulk(counted ? "keynum" : "range");
  reply.Bulk("spec");
  reply.Map(3);
  if (counted) {
    field("keynumidx", 0);
    field("firstkey", 1);
    field("keystep", spec.step);
    return;
  }
  // Counted from the first key, or from the end.
  const bool relative = spec.last < 0 || spec.form == KeyForm::kAfterWord;
  field("lastkey", relative ? spec.last : spec.last - spec.first);
  field("keystep", spec.step);
  field("limit", spec.limit);
}

size_t KeySpecCount(const CommandRow& row) {
  return static_cast<size_t>(
      std::count_if(row.keys.begin(), row.keys.end(), [](const KeySpec& k) { return k.used(); }));
}

void WriteKeySpecs(protocol::ReplyWriter& reply, const CommandRow& row) {
  reply.Set(KeySpecCount(row));
  for (const KeySpec& spec : row.keys) {
    if (!spec.used()) continue;
    reply.Map(3);
    reply.Bulk("flags");
    WriteStatusSet(reply, KeyFlagNames(spec.flags));
    reply.Bulk("begin_search");
    WriteBeginSearch(reply, spec);
    reply.Bulk("find_keys");
    WriteFindKeys(reply, spec);
  }
}

// What a value's name says about its type.
std::string_view ValueType(std::string_view name) {
  static constexpr auto kIntegers = std::to_array<std::string_view>(
      {"count",        "offset",         "increment",    "decrement", "index",
       "index1",       "index2",         "start",        "stop",      "end",
       "milliseconds", "timeout",        "numreplicas",  "protover",  "client-id",
       "db",           "destination-db", "len",          "maxage",    "version",
       "cursor",       "min-match-len",  "seconds",      "numkeys",   "bit",
       "rank",         "num-matches",    "ttl",          "frequency", "ms",
       "entries_read", "entries_added",  "weight",       "slot",      "start-slot",
       "end-slot",     "port",           "config-epoch", "numfields", "cluster_bus_port",
       "limit"});
  static constexpr auto kDoubles = std::to_array<std::string_view>(
      {"longitude", "latitude", "radius", "width", "height", "score"});
  static constexpr auto kKeys =
      std::to_array<std::string_view>({"key", "newkey", "source", "destination", "key1", "key2",
                                       "destkey", "sourcekey", "dst", "src"});
  static constexpr auto kTimes =
      std::to_array<std::string_view>({"unix-time-seconds", "unix-time-milliseconds"});
  const auto is_among = [name](std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (name == "pattern") return "pattern";
  if (is_among(kKeys)) return "key";
  if (is_among(kTimes)) return "unix-time";
  if (is_among(kDoubles)) return "double";
  return is_among(kIntegers) ? "integer" : "string";
}

// A name for a choice or block, which the notation leaves without one.
std::string NodeName(const SyntaxNode& node) {
  std::string_view name = node.name.empty() ? node.token : node.name;
  if (name.empty() && !node.children.empty()) return NodeName(node.children.front());
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view NodeType(const SyntaxNode& node) {
  switch (node.kind) {
    case SyntaxNode::Kind::kToken:
      return "pure-token";
    case SyntaxNode::Kind::kChoice:
      return "oneof";
    case SyntaxNode::Kind::kBlock:
      return "block";
    case SyntaxNode::Kind::kValue:
      break;
  }
  return node.type.empty() ? ValueType(node.name) : node.type;
}

// `next_key_spec` numbers the key arguments as they come.
void WriteArguments(protocol::ReplyWriter& reply, std::span<const SyntaxNode> nodes,
                    size_t key_specs, size_t* next_key_spec) {
  reply.Array(nodes.size());
  for (const SyntaxNode& node : nodes) {
    const std::string_view type = NodeType(node);
    const bool is_key = type == "key" && *next_key_spec < key_specs;
    const bool has_flags = node.optional || node.multiple;
    reply.Map(2 + (is_key ? 1u : 0u) + (node.token.empty() ? 0u : 1u) + (has_flags ? 1u : 0u) +
              (node.children.empty() ? 0u : 1u));
    reply.Bulk("name");
    reply.Bulk(NodeName(node));
    reply.Bulk("type");
    reply.Bulk(type);
    if (is_key) {
      reply.Bulk("key_spec_index");
      reply.Integer(static_cast<int64_t>((*next_key_spec)++));
    }
    if (!node.token.empty()) {
      reply.Bulk("token");
      reply.Bulk(node.token);
    }
    if (has_flags) {
      std::vector<std::string_view> flags;
      if (node.optional) flags.push_back("optional");
      if (node.multiple) flags.push_back("multiple");
      if (node.multiple_token) flags.push_back("multiple_token");
      reply.Bulk("flags");
      WriteStatusSet(reply, flags);
    }
    if (!node.children.empty()) {
      reply.Bulk("arguments");
      WriteArguments(reply, node.children, key_specs, next_key_spec);
    }
  }
}

}  // namespace

std::vector<std::string_view> FlagNames(uint32_t flags) { return NamesOf(kFlagNames, flags); }

std::vector<std::string_view> KeyFlagNames(uint16_t flags) { return NamesOf(kKeyFlagNames, flags); }

std::vector<std::string_view> CategoryNames(const CommandRow& row) {
  std::vector<std::string_view> names;
  for (const Category& c : kCategories) {
    const bool slow = c.name == "slow" && (row.flags & kFast) == 0;
    if (slow || (row.acl & c.acl) != 0 || (row.flags & c.implied_by) != 0) names.push_back(c.name);
  }
  return names;
}

bool IsCategory(Bytes name) {
  return std::any_of(kCategories.begin(), kCategories.end(),
                     [&](const Category& c) { return EqualsIgnoreCase(name, c.name); });
}

void WriteCommandInfo(protocol::ReplyWriter& reply, const Command& command) {
  const CommandRow& row = *command.row;
  const KeySpec range = LegacyRange(row);
  reply.Array(10);
  reply.Bulk(row.name);
  reply.Integer(row.arity);
  WriteStatusSet(reply, FlagNames(row.flags));
  reply.Integer(range.first);
  reply.Integer(range.last);
  reply.Integer(range.step);
  WriteStatusSet(reply, CategoryNames(row), "@");
  WriteTips(reply, row.tips);
  WriteKeySpecs(reply, row);
  // Redis writes a set where there are none, and an array where there are some.
  command.children.empty() ? reply.Set(0) : reply.Array(command.children.size());
  for (const Command& child : command.children) WriteCommandInfo(reply, child);
}

void WriteCommandDocs(protocol::ReplyWriter& reply, const Command& command) {
  const CommandRow& row = *command.row;
  const bool has_children = !command.children.empty();
  reply.Map(4 + (row.syntax.empty() ? 0u : 1u) + (has_children ? 1u : 0u));
  reply.Bulk("summary");
  reply.Bulk(row.summary);
  reply.Bulk("since");
  reply.Bulk(row.since);
  reply.Bulk("group");
  reply.Bulk(row.group);
  reply.Bulk("complexity");
  reply.Bulk(row.complexity);
  if (!row.syntax.empty()) {
    size_t next_key_spec = 0;
    reply.Bulk("arguments");
    WriteArguments(reply, ParseSyntax(row.syntax), KeySpecCount(row), &next_key_spec);
  }
  if (has_children) {
    reply.Bulk("subcommands");
    reply.Map(command.children.size());
    for (const Command& child : command.children) {
      reply.Bulk(child.row->name);
      WriteCommandDocs(reply, child);
    }
  }
}

}  // namespace mantis::server
