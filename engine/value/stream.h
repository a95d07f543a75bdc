// A stream: entries of field-value pairs in the order of their ids, and consumer groups.
//
// Thread safety and ownership: see object.h.
// Entries live in nodes (stream_node.h), which are ordered by their base id: the id of the first
// entry each was made for.
// Invariants: every node has a live entry; the ids of live entries grow from node to node, and no
// node has any that is at or above the next node's base; first_id() is that of the first live entry
// (0-0 if there is none); size() is the number of live entries, all at or below last_id().
// Complexity: appending is O(1) but for the node it copies when its allocation grows; to find an
// id O(log nodes + entries of a node).
#pragma once

#include <absl/container/btree_map.h>

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/value/object.h"
#include "engine/value/stream_group.h"
#include "engine/value/stream_id.h"
#include "engine/value/stream_node.h"

namespace mantis {

// How large the nodes of a stream may grow; 0 is no limit. See ValueLimits.
struct StreamNodeLimits {
  size_t bytes_max = 0;
  size_t entries_max = 0;
};

// What to remove from a stream's old end.
struct StreamTrim {
  enum class By : uint8_t { kNothing, kLength, kId };
  By by = By::kNothing;
  bool whole_nodes = false;  // stop at the first node that would have to be removed in part
  uint64_t limit = 0;        // entries removed at most, 0: all that there are to remove
  uint64_t length_max = 0;   // kLength: keep that many
  StreamId first = {};       // kId: keep those from this id on
};

class Stream final : public Object {
 public:
  static constexpr Kind kKind = Kind::kStream;
  using Nodes = absl::btree_map<StreamId, StreamNode>;
  // In order of name; the keys are views of the names the groups own.
  using Groups = absl::btree_map<std::string_view, std::unique_ptr<StreamGroup>>;

  // True if an entry of these pairs can be stored at all.
  static bool Storable(std::span<const Bytes> pairs);
  // Appends an entry of fields and values in turn. Needs id > last_id() and Storable(pairs).
  void Append(StreamId id, std::span<const Bytes> pairs, const StreamNodeLimits& limits);
  // Removes one entry; remembers its id in max_deleted_id(). False if there is none.
  bool Erase(StreamId id);
  // Returns how many entries it removed.
  size_t Trim(const StreamTrim& trim);
  bool Contains(StreamId id) const;
  // About how many nodes Trim would remove: what it costs. Stops counting beyond `limit`.
  size_t NodesToTrim(const StreamTrim& trim, size_t limit) const;
  // How many live entries the nodes have that reach into [start, end]: an upper bound of what is
  // between them. Stops counting beyond `limit`.
  size_t CountUpTo(StreamId start, StreamId end, size_t limit) const;

  StreamId first_id() const { return first_id_; }
  // The greatest id the stream ever had (or was told it had); and of those erased one by one.
  StreamId last_id() const { return last_id_; }
  StreamId max_deleted_id() const { return max_deleted_id_; }
  // Entries ever appended.
  uint64_t entries_added() const { return entries_added_; }
  // The newest live entry's id; 0-0 if there is none.
  StreamId LastLiveId() const;
  // XSETID; the caller has checked that last >= LastLiveId().
  void SetLastId(StreamId last) { last_id_ = last; }
  // O(groups): none has read more than was added.
  void SetEntriesAdded(uint64_t n);
  void SetMaxDeletedId(StreamId id) { max_deleted_id_ = id; }

  const Nodes& nodes() const { return nodes_; }

  const Groups& groups() const { return groups_; }
  StreamGroup* FindGroup(Bytes name);
  const StreamGroup* FindGroup(Bytes name) const;
  // nullptr if there is one of that name. `entries_read` is lowered to entries_added().
  StreamGroup* AddGroup(Bytes name, StreamId last_id, int64_t entries_read);
  // The same for a group that is there: it goes on reading after `last_id`.
  void SetGroupPlace(StreamGroup& group, StreamId last_id, int64_t entries_read) const;
  // The caller frees it. nullptr if there is none.
  std::unique_ptr<StreamGroup> TakeGroup(Bytes name);
  // How many entries the stream had up to `id`, ever; StreamGroup::kUnknown where deletions do not
  // let one tell.
  int64_t EntriesReadUpTo(StreamId id) const;
  // How many entries the group has still to read; nothing if one cannot tell.
  std::optional<int64_t> Lag(const StreamGroup& group) const;
  // Moves the group on to an entry that it reads, if it is new to it.
  void Advance(StreamGroup& group, StreamId id) const;

  // Rebuilding from stored parts: nodes in order of their base ids, then the totals, then groups
  // (AddGroup; StreamGroup's methods). False: the parts
  // contradict each other; throw the stream away.
  struct Totals {
    uint64_t length = 0;
    StreamId last_id = {};
    StreamId max_deleted_id = {};
    uint64_t entries_added = 0;
  };
  [[nodiscard]] bool AddNode(StreamId base, Bytes raw);
  [[nodiscard]] bool SetTotals(const Totals& totals);

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override { return "stream"; }
  size_t size() const override { return length_; }
  bool vanishes_when_empty() const override { return false; }
  size_t bytes(size_t samples) const override;
  size_t free_effort() const override;
  std::unique_ptr<Object> Clone() const override;

 private:
  // The node that has `id` if any has; end() if there are no nodes at or below it.
  Nodes::const_iterator NodeOf(StreamId id) const;
  void FindFirstId();
  // True if an entry at or after `start` may have been deleted while others are left.
  bool HasTombstonesFrom(StreamId start) const;
  void ClampEntriesRead(StreamGroup& group) const;

  Nodes nodes_;
  size_t length_ = 0;
  StreamId first_id_;
  StreamId last_id_;
  StreamId max_deleted_id_;
  uint64_t entries_added_ = 0;
  Groups groups_;
};

// Walks the live entries with ids in [start, end], in that order or from the end back.
//
//   for (StreamCursor at(stream, start, end); at.Next();) use(at.id());
//
// Thread safety: as the stream, which must not change meanwhile.
class StreamCursor {
 public:
  StreamCursor(const Stream& stream, StreamId start, StreamId end, bool reverse = false);

  // To the next entry; false if there is none.
  bool Next();
  StreamId id() const { return entry_.id; }
  size_t fields() const { return entry_.fields; }
  // `f(const Listpack::Item& field, const Listpack::Item& value)` for each pair.
  template <class F>
  void ForEachField(F&& f);

 private:
  void EnterNode();

  const Stream::Nodes& nodes_;
  StreamId start_;
  StreamId end_;
  bool reverse_;
  Stream::Nodes::const_iterator node_;
  StreamNode::Master master_;
  StreamNode::Entry entry_;
  StreamNode::Pos next_ = StreamNode::kEnd;  // where to go on in the node; kEnd: it is done
};

template <class F>
void StreamCursor::ForEachField(F&& f) {
  const Listpack& pack = node_->second.pack();
  StreamNode::Pos value = entry_.content;
  StreamNode::Pos name = master_.first_field;
  for (size_t i = 0; i < entry_.fields; ++i) {
    if (!entry_.same_fields) {
      name = value;
      value = pack.Next(value);
    }
    f(pack.Get(name), pack.Get(value));
    value = pack.Next(value);
    if (entry_.same_fields) name = pack.Next(name);
  }
}

}  // namespace mantis
