#include "server/commands/debug_values.h"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/base/memory.h"
#include "engine/keyspace/entry.h"
#include "engine/persist/rdb_value.h"
#include "engine/value/blob.h"
#include "engine/value/hash.h"
#include "engine/value/list.h"
#include "engine/value/one_of.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "engine/value/string_buffer.h"
#include "engine/value/value.h"
#include "server/commands/args.h"
#include "server/commands/value_digest.h"
#include "server/commands/value_encoding.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"

namespace mantis::server {
namespace {

// What Redis's snapshot format takes for the value, without its type byte.
size_t SerializedLength(Word value) {
  std::string bytes;
  persist::RdbWriter out(&bytes, persist::RdbWriter::Compression::kLzf);
  (void)persist::EncodeValue(value, out);
  return bytes.size() - 1;
}

// As Redis describes the nodes of a list.
std::string DescribeNodes(const CommandContext& c, const List& list) {
  size_t bytes = 0;
  for (size_t i = 0; i < list.node_count(); ++i) bytes += list.node(i).listpack_bytes();
  char text[160];
  std::snprintf(text, sizeof(text),
                " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0 "
                "ql_uncompressed_size:%zu",
                list.node_count(),
                static_cast<double>(list.size()) / static_cast<double>(list.node_count()),
                LimitsOf(c.core.settings()).list_max_listpack_size, bytes);
  return text;
}

FormView<Listpack> ListpackOf(const Current& now) {
  switch (now.value.kind()) {
    case Kind::kHash:
      return static_cast<const Hash*>(ObjectOf(now.value))->pairs();
    case Kind::kSet:
      return static_cast<const Set*>(ObjectOf(now.value))->listpack();
    case Kind::kSortedSet:
      return static_cast<const SortedSet*>(ObjectOf(now.value))->listpack();
    default:
      return FormView<Listpack>();
  }
}

std::string TableStats(size_t elements) {
  if (elements == 0) {
    return "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n";
  }
  return "Hash table 0 stats (main hash table):\n number of elements: " + std::to_string(elements) +
         "\n";
}

}  // namespace

Outcome DebugObject(CommandContext& c) {
  const KeyRef key = c.key(2);
  const Status status = c.db().ReadValue(c.op, key, [&](const Current& now) {
    if (now.value.is_object() && TooLong(c, ObjectOf(now.value)->size())) return Status::kTooLong;
    const InsideSection inside(c.op);
    const Entry* entry = c.db().index().Find(key.bytes, key.hash);
    const int64_t idle_seconds = c.engine.cache().IdleSeconds(entry, c.op.now_ms());
    constexpr int64_t kLruBits = 24;
    const int64_t lru = (c.op.now_ms() / 1000 - idle_seconds) & ((int64_t{1} << kLruBits) - 1);
    char address[2 + 2 * sizeof(void*) + 1];
    std::snprintf(address, sizeof(address), "%p", static_cast<const void*>(entry));
    std::string text = std::string("Value at:") + address +
                       " refcount:1 encoding:" + std::string(EncodingName(now.value)) +
                       " serializedlength:" + std::to_string(SerializedLength(now.value)) +
                       " lru:" + std::to_string(lru) +
                       " lru_seconds_idle:" + std::to_string(idle_seconds);
    if (now.value.kind() == Kind::kList) {
      text += DescribeNodes(c, static_cast<const List&>(*ObjectOf(now.value)));
    }
    c.reply.SimpleString(text);
    return Status::kOk;
  });
  return status == Status::kOk ? Done() : FailStatus(c, status);
}

Outcome DebugStringLength(CommandContext& c) {
  const KeyRef key = c.key(2);
  const Status status = c.db().ReadValue(c.op, key, [&](const Current& now) {
    size_t spare = 0;
    size_t memory = 0;
    if (now.value.kind() == Kind::kString) {
      memory = memory::UsableSize(now.value.pointer<Blob>());
    } else if (now.value.kind() == Kind::kStringBuffer) {
      const auto& buffer = static_cast<const StringBuffer&>(*ObjectOf(now.value));
      spare = buffer.capacity() - buffer.size();
      memory = buffer.bytes(0);
    } else {
      c.reply.Error("ERR Not an sds encoded string.");
      return Status::kOk;
    }
    const InsideSection inside(c.op);
    // The entry holds the key and the word of its value.
    const Entry* entry = c.db().index().Find(key.bytes, key.hash);
    const auto field = [](const char* name, size_t value) {
      return std::string(name) + std::to_string(value);
    };
    c.reply.SimpleString(
        field("key_sds_len:", key.bytes.size()) + field(", key_sds_avail:", 0) +
        field(", key_zmalloc: ", entry == nullptr ? 0 : memory::UsableSize(entry)) +
        field(", val_sds_len:", StringRef(now.value).size()) + field(", val_sds_avail:", spare) +
        field(", val_zmalloc: ", memory));
    return Status::kOk;
  });
  return status == Status::kOk ? Done() : FailStatus(c, status);
}

Outcome DebugListpack(CommandContext& c) {
  const Status status = c.db().ReadValue(c.op, c.key(2), [&](const Current& now) {
    if (const auto pack = ListpackOf(now)) {
      c.reply.SimpleString("Listpack of " + std::to_string(pack->total()) + " bytes, " +
                           std::to_string(pack->size()) + " elements");
    } else {
      c.reply.Error("ERR Not a listpack encoded object.");
    }
    return Status::kOk;
  });
  return status == Status::kOk ? Done() : FailStatus(c, status);
}

Outcome DebugHashTable(CommandContext& c) {
  int64_t number = 0;
  if (!ParseInteger(c, c.args[2], &number)) return Done();
  if (number < 0 || number >= c.engine.database_count()) {
    return Fail(c, "ERR Out of range database");
  }
  const Database& db = c.engine.database(static_cast<int>(number));
  c.reply.Verbatim("[Dictionary HT]\n" + TableStats(db.size()) + "[Expires HT]\n" +
                   TableStats(db.deadlines()));
  return Done();
}

Outcome DebugHashTableOfKey(CommandContext& c) {
  const Status status = c.db().ReadValue(c.op, c.key(2), [&](const Current& now) {
    const std::string_view encoding = EncodingName(now.value);
    if (encoding == "hashtable" || encoding == "skiplist") {
      c.reply.Verbatim(TableStats(ObjectOf(now.value)->size()));
    } else {
      c.reply.Error(
          "ERR The value stored at the specified key is not represented using an hash table");
    }
    return Status::kOk;
  });
  return status == Status::kOk ? Done() : FailStatus(c, status);
}

Outcome DebugDigest(CommandContext& c) {
  if (!c.alone) return Outcome::kAlone;
  Digest all;
  for (int i = 0; i < c.engine.database_count(); ++i) {
    Database& db = c.engine.database(i);
    if (db.size() == 0) continue;
    all.Mix(static_cast<uint32_t>(i));
    db.ordered().Scan(RangeBound::None(), RangeBound::None(), [&](std::span<Entry* const> run) {
      for (Entry* e : run) {
        // Nobody else runs, so no key is busy; those that have gone are left out.
        (void)db.ReadEntry(c.op, e, [&](const Current& now) {
          Digest one;
          one.Mix(e->key());
          one.AddValue(now, c.op.now_ms());
          all.Xor(one.bytes());
          return Status::kOk;
        });
      }
      return true;
    });
  }
  c.reply.SimpleString(all.Hex());
  return Done();
}

Outcome DebugDigestValue(CommandContext& c) {
  std::vector<KeyLocks::Target> targets;
  for (size_t i = 2; i < c.argc(); ++i) targets.emplace_back(&c.db(), c.key(i));
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  std::vector<Digest> digests(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    const Status s = c.db().ReadValue(c.op, targets[i].second, [&](const Current& now) {
      if (now.value.is_object() && TooLong(c, ObjectOf(now.value)->size())) {
        return Status::kTooLong;
      }
      digests[i].AddValue(now, c.op.now_ms());
      return Status::kOk;
    });
    if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  }
  c.reply.Array(digests.size());
  for (const Digest& digest : digests) c.reply.SimpleString(digest.Hex());
  return Done();
}

Outcome DebugReload(CommandContext& c) {
  Persistence::ReloadOptions options;
  for (size_t i = 2; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "NOSAVE")) {
      options.save = false;
    } else if (EqualsIgnoreCase(c.args[i], "NOFLUSH")) {
      options.flush = false;
    } else if (!EqualsIgnoreCase(c.args[i], "MERGE")) {
      return Fail(c, "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  if (!c.alone) return Outcome::kAlone;
  if (const auto error = c.shared.persistence->Reload(c.op, options)) {
    return Fail(c, "ERR " + *error);
  }
  c.reply.Ok();
  return Done();
}

}  // namespace mantis::server
