// A consumer group of a stream: how far it has read, who its consumers are, and which entries were
// handed out but not acknowledged yet (pending).
//
// Thread safety and ownership: part of its Stream, see stream.h. Consumers stay where they are
// until deleted; iterators and references into pending() hold until the next change of it.
// Invariants: each pending entry of the group has one owner, whose own list has its id; nothing
// else is in a consumer's list. (While a group is put together from its parts, Assign gives entries
// their owners one by one.)
// Complexity: O(log n) per entry or consumer unless it says otherwise.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/value/stream_id.h"

namespace mantis {

struct StreamConsumer {
  static constexpr int64_t kNever = -1;

  std::string name;
  int64_t seen_ms = 0;         // when it last asked for something
  int64_t active_ms = kNever;  // when it last got something
  absl::btree_set<StreamId> pending = {};
};

struct PendingEntry {
  StreamConsumer* owner = nullptr;
  int64_t delivered_ms = 0;
  uint64_t deliveries = 0;
};

class StreamGroup {
 public:
  // In order of name; the keys are views of the names the consumers own.
  using Consumers = absl::btree_map<std::string_view, std::unique_ptr<StreamConsumer>>;
  using Pending = absl::btree_map<StreamId, PendingEntry>;
  static constexpr int64_t kUnknown = -1;

  StreamGroup(Bytes name, StreamId last, int64_t read)
      : last_id(last), entries_read(read), name_(name) {}
  std::unique_ptr<StreamGroup> Clone() const;

  const std::string& name() const { return name_; }
  StreamId last_id;      // the newest entry handed out
  int64_t entries_read;  // how many entries the stream ever had up to that one; or kUnknown

  const Consumers& consumers() const { return consumers_; }
  StreamConsumer* FindConsumer(Bytes name);
  const StreamConsumer* FindConsumer(Bytes name) const;
  // nullptr if there is one of that name.
  StreamConsumer* AddConsumer(Bytes name, int64_t seen_ms,
                              int64_t active_ms = StreamConsumer::kNever);
  // With all that is pending for it. O(pending).
  void DeleteConsumer(StreamConsumer* consumer);

  const Pending& pending() const { return pending_; }
  PendingEntry* FindPending(StreamId id);
  // The entry is handed to `owner` for the first time, as far as the group knows.
  void Deliver(StreamId id, StreamConsumer* owner, int64_t now_ms);
  // The pending entry becomes `owner`'s.
  void Transfer(StreamId id, PendingEntry* entry, StreamConsumer* owner);
  // It is pending no more. False if it was not.
  bool Acknowledge(StreamId id);

  // Rebuilding from stored parts: all pending entries, all consumers, then their owners. False
  // (nothing done) for a repeated id, an id that is not pending, or that has an owner.
  bool AddPending(StreamId id, int64_t delivered_ms, uint64_t deliveries);
  bool Assign(StreamId id, StreamConsumer* owner);
  // True if every pending entry has an owner. O(pending).
  bool Complete() const;

  // An estimate: looks at `samples` consumers.
  size_t bytes(size_t samples) const;

 private:
  std::string name_;
  Consumers consumers_;
  Pending pending_;
};

}  // namespace mantis
