// A value of any type as text, for comparing: "hash{a=1 b=2@5000}". What has no order is sorted;
// the encoding is left out.
//
// Thread safety: none; of an object in the keyspace, the entry's lock is held.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/value/hash.h"
#include "engine/value/list.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "engine/value/stream.h"
#include "engine/value/value.h"

namespace mantis::test {

inline std::string TextOfItem(const Listpack::Item& item) {
  char digits[24];
  return std::string(item.View(digits));
}

inline std::string TextOfId(StreamId id) {
  return std::to_string(id.ms) + "-" + std::to_string(id.seq);
}

inline std::string Joined(std::string name, std::vector<std::string> parts, bool ordered) {
  if (!ordered) std::sort(parts.begin(), parts.end());
  name += "{";
  for (size_t i = 0; i < parts.size(); ++i) name += (i == 0 ? "" : " ") + parts[i];
  return name + "}";
}

inline std::string Describe(const List& list) {
  std::vector<std::string> parts;
  for (auto it = list.First(); it.valid(); it.Next()) parts.push_back(TextOfItem(it.item()));
  return Joined("list", parts, true);
}

inline std::string Describe(const Set& set) {
  std::vector<std::string> parts;
  set.ForEach([&](const Set::Member& m) { parts.push_back(TextOfItem(m)); });
  return Joined("set", parts, false);
}

inline std::string Describe(const SortedSet& set) {
  std::vector<std::string> parts;
  set.ForEach([&](Bytes member, double score) {
    char text[40];
    // Plus 0 makes -0 a 0: the compact form has but one zero, as in Redis.
    std::snprintf(text, sizeof(text), "=%.17g", score + 0.0);
    parts.push_back(std::string(member) + text);
  });
  return Joined("zset", parts, true);
}

inline std::string Describe(const Hash& hash) {
  std::vector<std::string> parts;
  hash.Walk([&](const Hash::Field& f) {
    parts.push_back(TextOfItem(f.name) + "=" + TextOfItem(f.value));
    if (f.deadline_ms != kNoDeadline) parts.back() += "@" + std::to_string(f.deadline_ms);
    return true;
  });
  return Joined("hash", parts, false);
}

inline std::string Describe(const StreamGroup& group) {
  std::vector<std::string> parts;
  for (const auto& [id, entry] : group.pending()) {
    parts.push_back(TextOfId(id) + ":" + entry.owner->name + ":" +
                    std::to_string(entry.delivered_ms) + ":" + std::to_string(entry.deliveries));
  }
  for (const auto& [name, consumer] : group.consumers()) {
    parts.push_back(std::string(name) + ":" + std::to_string(consumer->seen_ms) + ":" +
                    std::to_string(consumer->pending.size()));
  }
  return Joined(
      group.name() + "@" + TextOfId(group.last_id) + "/" + std::to_string(group.entries_read),
      parts, true);
}

inline std::string Describe(const Stream& stream) {
  std::vector<std::string> parts = {TextOfId(stream.last_id()), TextOfId(stream.first_id()),
                                    TextOfId(stream.max_deleted_id()),
                                    std::to_string(stream.entries_added())};
  for (StreamCursor at(stream, StreamId{}, StreamId::Max()); at.Next();) {
    std::string entry = TextOfId(at.id());
    at.ForEachField([&](const Listpack::Item& field, const Listpack::Item& value) {
      entry += "," + TextOfItem(field) + "=" + TextOfItem(value);
    });
    parts.push_back(entry);
  }
  for (const auto& [name, group] : stream.groups()) parts.push_back(Describe(*group));
  return Joined("stream", parts, true);
}

inline std::string Describe(Word value) {
  switch (TypeOf(value.kind())) {
    case ValueType::kString: {
      char digits[24];
      return "string{" + std::string(StringRef(value).Text(digits)) + "}";
    }
    case ValueType::kList:
      return Describe(static_cast<const List&>(*ObjectOf(value)));
    case ValueType::kSet:
      return Describe(static_cast<const Set&>(*ObjectOf(value)));
    case ValueType::kSortedSet:
      return Describe(static_cast<const SortedSet&>(*ObjectOf(value)));
    case ValueType::kHash:
      return Describe(static_cast<const Hash&>(*ObjectOf(value)));
    case ValueType::kStream:
      return Describe(static_cast<const Stream&>(*ObjectOf(value)));
    case ValueType::kNone:
      break;
  }
  return "none";
}

}  // namespace mantis::test
