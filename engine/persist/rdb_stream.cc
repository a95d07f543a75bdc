// Streams in RDB format.

#include <cstring>
#include <string>

#include "engine/persist/rdb_types.h"
#include "engine/value/stream.h"

namespace mantis::persist {
namespace {

// Where ids are keys they are written big-endian, so that byte order is their order.
constexpr size_t kIdBytes = 16;

std::string IdBytes(StreamId id) {
  const uint64_t parts[] = {__builtin_bswap64(id.ms), __builtin_bswap64(id.seq)};
  return {reinterpret_cast<const char*>(parts), kIdBytes};
}

bool ParseIdBytes(Bytes raw, StreamId* out) {
  if (raw.size() != kIdBytes) return false;
  uint64_t parts[2];
  std::memcpy(parts, raw.data(), kIdBytes);
  *out = {__builtin_bswap64(parts[0]), __builtin_bswap64(parts[1])};
  return true;
}

void WriteId(StreamId id, RdbWriter& out) {
  out.Length(id.ms);
  out.Length(id.seq);
}

void WriteGroup(const StreamGroup& group, bool with_active, RdbWriter& out) {
  out.String(group.name());
  WriteId(group.last_id, out);
  out.Length(static_cast<uint64_t>(group.entries_read));
  out.Length(group.pending().size());
  for (const auto& [id, entry] : group.pending()) {
    out.Raw(IdBytes(id));
    out.Fixed64(static_cast<uint64_t>(entry.delivered_ms));
    out.Length(entry.deliveries);
  }
  out.Length(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) {
    out.String(name);
    out.Fixed64(static_cast<uint64_t>(consumer->seen_ms));
    if (with_active) out.Fixed64(static_cast<uint64_t>(consumer->active_ms));
    out.Length(consumer->pending.size());
    for (const StreamId id : consumer->pending) out.Raw(IdBytes(id));
  }
}

class StreamReader {
 public:
  StreamReader(RdbType type, RdbReader& in) : type_(type), in_(in) {}

  std::unique_ptr<Object> Read() {
    if (!Nodes() || !Totals() || !Groups()) return nullptr;
    return std::move(stream_);
  }

 private:
  bool Id(StreamId* out) { return in_.Length(&out->ms) && in_.Length(&out->seq); }

  bool RawId(StreamId* out) {
    Bytes raw;
    return in_.Raw(kIdBytes, &raw) && ParseIdBytes(raw, out);
  }

  bool Milliseconds(int64_t* out) {
    uint64_t v = 0;
    if (!in_.Fixed64(&v)) return false;
    *out = static_cast<int64_t>(v);
    return true;
  }

  bool Nodes() {
    uint64_t left = 0;
    if (!in_.Count(&left)) return false;
    for (; left > 0; --left) {
      StreamId base;
      Bytes raw;
      if (!in_.String(&name_room_, &raw) || !ParseIdBytes(raw, &base) ||
          !in_.String(&room_, &raw) || !stream_->AddNode(base, raw)) {
        return false;
      }
    }
    return true;
  }

  bool Totals() {
    Stream::Totals totals;
    if (!in_.Length(&totals.length) || !Id(&totals.last_id)) return false;
    if (type_ == RdbType::kStreamListpacks) {
      totals.entries_added = totals.length;
    } else {
      // Which entry is the first, the nodes tell.
      StreamId first;
      if (!Id(&first) || !Id(&totals.max_deleted_id) || !in_.Length(&totals.entries_added)) {
        return false;
      }
    }
    return stream_->SetTotals(totals);
  }

  bool Groups() {
    uint64_t left = 0;
    if (!in_.Count(&left)) return false;
    for (; left > 0; --left) {
      if (!Group()) return false;
    }
    return true;
  }

  bool Group() {
    Bytes name;
    StreamId last;
    if (!in_.String(&name_room_, &name) || !Id(&last)) return false;
    int64_t read = 0;
    if (type_ == RdbType::kStreamListpacks) {
      read = stream_->EntriesReadUpTo(last);
    } else {
      uint64_t v = 0;
      if (!in_.Length(&v)) return false;
      read = static_cast<int64_t>(v);
      if (read < 0) read = StreamGroup::kUnknown;
    }
    StreamGroup* group = stream_->AddGroup(name, last, read);
    return group != nullptr && Pending(*group) && Consumers(*group) && group->Complete();
  }

  bool Pending(StreamGroup& group) {
    uint64_t left = 0;
    if (!in_.Count(&left)) return false;
    for (; left > 0; --left) {
      StreamId id;
      int64_t delivered_ms = 0;
      uint64_t deliveries = 0;
      if (!RawId(&id) || !Milliseconds(&delivered_ms) || !in_.Length(&deliveries) ||
          !group.AddPending(id, delivered_ms, deliveries)) {
        return false;
      }
    }
    return true;
  }

  bool Consumers(StreamGroup& group) {
    uint64_t left = 0;
    if (!in_.Count(&left)) return false;
    for (; left > 0; --left) {
      Bytes name;
      int64_t seen_ms = 0;
      if (!in_.String(&name_room_, &name) || !Milliseconds(&seen_ms)) return false;
      int64_t active_ms = seen_ms;
      if (type_ == RdbType::kStreamListpacks3 && !Milliseconds(&active_ms)) return false;
      StreamConsumer* consumer = group.AddConsumer(name, seen_ms, active_ms);
      if (consumer == nullptr || !Owned(group, consumer)) return false;
    }
    return true;
  }

  bool Owned(StreamGroup& group, StreamConsumer* consumer) {
    uint64_t left = 0;
    if (!in_.Count(&left)) return false;
    for (; left > 0; --left) {
      StreamId id;
      if (!RawId(&id) || !group.Assign(id, consumer)) return false;
    }
    return true;
  }

  const RdbType type_;
  RdbReader& in_;
  std::unique_ptr<Stream> stream_ = std::make_unique<Stream>();
  std::string name_room_;
  std::string room_;
};

}  // namespace

void EncodeStream(const Stream& stream, RdbWriter& out) {
  // The later form also tells when a consumer last got something.
  const bool with_active = out.version_max() >= kRdbVersionOfSetListpack;
  out.Type(with_active ? RdbType::kStreamListpacks3 : RdbType::kStreamListpacks2);
  out.Length(stream.nodes().size());
  for (const auto& [base, node] : stream.nodes()) {
    out.String(IdBytes(base));
    out.String(node.raw());
  }
  out.Length(stream.size());
  WriteId(stream.last_id(), out);
  WriteId(stream.first_id(), out);
  WriteId(stream.max_deleted_id(), out);
  out.Length(stream.entries_added());
  out.Length(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) WriteGroup(*group, with_active, out);
}

std::unique_ptr<Object> DecodeStream(RdbType type, RdbReader& in) {
  return StreamReader(type, in).Read();
}

}  // namespace mantis::persist
