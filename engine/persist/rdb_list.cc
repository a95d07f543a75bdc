// Lists in RDB format.

#include <string>

#include "engine/persist/rdb_legacy.h"
#include "engine/persist/rdb_types.h"
#include "engine/value/list.h"

namespace mantis::persist {
namespace {

// Nodes from this size on are no listpacks to Redis, but single elements as they are.
constexpr size_t kPackedBytesMax = size_t{1} << 30;

void WriteNode(const List& list, size_t i, std::string* room, RdbWriter& out) {
  const ListNode& node = list.node(i);
  if (node.listpack_bytes() >= kPackedBytesMax) {
    if (const List::Iterator lone = list.LoneElement(i); lone.valid()) {
      out.Length(kRdbNodePlain);
      out.String(lone.item().text);
      return;
    }
  }
  room->resize(node.listpack_bytes());
  node.WriteListpack(room->data());
  out.Length(kRdbNodePacked);
  out.String(*room);
}

class ListReader {
 public:
  ListReader(RdbReader& in, const ValueLimits& limits)
      : in_(in), list_(std::make_unique<List>(limits.list_max_listpack_size)) {}

  std::unique_ptr<Object> Read(RdbType type) {
    uint64_t left = 0;
    // A ziplist is a list of its own; the other types are sequences of something.
    bool ok = type == RdbType::kListZiplist ? Ziplist() : in_.Count(&left);
    for (; ok && left > 0; --left) {
      if (type == RdbType::kList) {
        ok = Element();
      } else {
        ok = type == RdbType::kListQuicklist ? Ziplist() : Node();
      }
    }
    if (!ok || list_->size() == 0) return nullptr;
    return std::move(list_);
  }

 private:
  bool Push(Bytes text) {
    if (text.size() > List::kElementBytesMax) return false;
    list_->Push(text, List::End::kTail);
    return true;
  }
  bool Element() {
    Bytes text;
    return in_.String(&room_, &text) && Push(text);
  }
  bool Ziplist() {
    Bytes raw;
    return in_.String(&room_, &raw) && ReadZiplist(raw, [this](Bytes text) { return Push(text); });
  }
  bool Node() {
    uint64_t form = 0;
    Bytes raw;
    if (!in_.Length(&form) || !in_.String(&room_, &raw) || raw.empty()) return false;
    if (form == kRdbNodePlain) return Push(raw);
    return form == kRdbNodePacked && list_->AppendListpack(raw);
  }

  RdbReader& in_;
  std::unique_ptr<List> list_;
  std::string room_;
};

}  // namespace

void EncodeList(const List& list, RdbWriter& out) {
  out.Type(RdbType::kListQuicklist2);
  out.Length(list.node_count());
  std::string room;
  for (size_t i = 0; i < list.node_count(); ++i) WriteNode(list, i, &room, out);
}

std::unique_ptr<Object> DecodeList(RdbType type, RdbReader& in, const ValueLimits& limits) {
  return ListReader(in, limits).Read(type);
}

}  // namespace mantis::persist
