#include "engine/index/node_list.h"

// libcds wants its RCU before its containers.
#include "engine/reclaim/cds_gc.h"
// Keeps the two apart for clang-format.
#include <cds/intrusive/skip_list_rcu.h>

#include <array>
#include <bit>
#include <cassert>
#include <new>
#include <random>

#include "engine/base/memory.h"

namespace mantis::index {
namespace {

using Gc = reclaim::CdsCollector;
using Hook = cds::intrusive::skip_list::node<Gc>;
using Tower = Hook::atomic_marked_ptr;

// A node with its hook, in one allocation: hook, Node, anchor bytes, tower of upper levels.
class LinkedNode final : public Hook, public Node {
 public:
  static LinkedNode* Create(Bytes anchor, Block* block, unsigned height) {
    const size_t size = TowerOffset(anchor.size()) + (height - 1) * sizeof(Tower);
    return new (memory::Allocate(size)) LinkedNode(anchor, block, height);
  }
  static void Destroy(LinkedNode* n) {
    n->~LinkedNode();
    memory::Free(n);
  }
  static LinkedNode* Of(Node* n) { return static_cast<LinkedNode*>(n); }
  static LinkedNode* Of(Hook* h) { return static_cast<LinkedNode*>(h); }
  size_t allocated_bytes() const {
    return TowerOffset(anchor().size()) + (height() - 1) * sizeof(Tower);
  }

 private:
  LinkedNode(Bytes anchor, Block* block, unsigned height) : Node(anchor, block) {
    if (height == 1) return;
    auto* tower =
        reinterpret_cast<Tower*>(reinterpret_cast<char*>(this) + TowerOffset(anchor.size()));
    for (unsigned i = 0; i + 1 < height; ++i) new (tower + i) Tower(marked_ptr());
    make_tower(height, tower);
  }
  static size_t TowerOffset(size_t anchor_size) {
    return (sizeof(LinkedNode) + anchor_size + alignof(Tower) - 1) / alignof(Tower) *
           alignof(Tower);
  }
};
// Node::anchor() takes the bytes right after the Node part.
static_assert(sizeof(LinkedNode) == sizeof(Hook) + sizeof(Node) && sizeof(LinkedNode) == 72);

// Heights are drawn here, not by libcds: one node in four reaches the next level, which takes as
// many comparisons as one in two and half the levels. 4^12 blocks are more than memory holds.
struct Heights {
  static constexpr unsigned c_nUpperBound = 12;
  unsigned operator()() const { return 0; }  // unused: towers are built by LinkedNode
};

unsigned RandomHeight() {
  thread_local std::minstd_rand random(std::random_device{}());
  // The generator's values have 31 bits.
  const auto bits = static_cast<uint32_t>(random()) >> 4;
  const auto extra = static_cast<unsigned>(std::countr_zero(bits | 1u << 26)) / 2;
  return 1 + (extra < Heights::c_nUpperBound - 1 ? extra : Heights::c_nUpperBound - 1);
}

struct TowersAreInline {
  struct node_disposer {
    void operator()(Hook*) const {}
  };
};

struct Compare {
  int operator()(const LinkedNode& n, const Query& q) const { return n.Compare(q); }
  int operator()(const LinkedNode& a, const LinkedNode& b) const {
    return a.Compare(Query::AtOrBefore(b.anchor()));
  }
};

struct DestroyNode {
  void operator()(LinkedNode* n) const { LinkedNode::Destroy(n); }
};

struct Traits : cds::intrusive::skip_list::traits {
  using hook = cds::intrusive::skip_list::base_hook<cds::opt::gc<Gc>>;
  using compare = Compare;
  using disposer = DestroyNode;
  using random_level_generator = Heights;
  using internal_node_builder = TowersAreInline;
  using rcu_check_deadlock = cds::opt::v::rcu_no_check_deadlock;
};

using SkipList = cds::intrusive::SkipListSet<Gc, LinkedNode, Traits>;

}  // namespace

class NodeList::Set : public SkipList {
 public:
  // A walk that only reads. libcds's own looks for a deletion mark in the tower of each node that
  // it compares, which is a second cache miss each time, so that it can help with the removal.
  // This one walks on through nodes that are being removed, as Herlihy and Shavit's contains()
  // does: a node is unlinked on a level only after its predecessor there, if that was marked, so
  // whatever a link leads to was linked at some moment of this read section and is not freed yet.
  Node* Floor(const Query& q) {
    Hook* at = m_Head.head();
    Hook* beyond = nullptr;  // the last node found to be right of the place
    for (unsigned level = Heights::c_nUpperBound; level-- > 0;) {
      while (true) {
        // Acquire: the node that it leads to is complete.
        Hook* next = at->next(level).load(std::memory_order_acquire).ptr();
        if (next == nullptr || next == beyond) break;
        if (!LinkedNode::Of(next)->Satisfies(q)) {
          beyond = next;
          break;
        }
        at = next;
      }
    }
    // Never the list's head, since the first node's anchor is less than any other key.
    assert(at != m_Head.head());
    return LinkedNode::Of(at);
  }

  // The walks of Floor in turns: each goes one node on and asks for the next, which arrives while
  // the others are at theirs.
  void Floors(std::span<const Bytes> keys, std::span<Node*> found) {
    assert(keys.size() <= kTogether && keys.size() == found.size());
    std::array<Walk, kTogether> walks;
    size_t under_way = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      walks[under_way] = {Query::AtOrBefore(keys[i]), m_Head.head(), nullptr, nullptr, &found[i],
                          Heights::c_nUpperBound - 1};
      // The first node reaches every level.
      if (FindNext(walks[under_way])) ++under_way;
    }
    while (under_way > 0) {
      for (size_t i = 0; i < under_way;) {
        Walk& w = walks[i];
        const bool go_right = LinkedNode::Of(w.next)->Satisfies(w.query);
        (go_right ? w.at : w.beyond) = w.next;
        if (FindNext(w)) {
          ++i;
        } else {
          *w.found = LinkedNode::Of(w.at);
          w = walks[--under_way];
        }
      }
    }
  }

  Node* Link(LinkedNode* n) {
    const Query q = Query::AtOrBefore(n->anchor());
    while (true) {
      Position pos;
      if (find_position(q, pos, key_comparator(), true)) return LinkedNode::Of(pos.pCur);
      if (insert_at_position(*n, n, pos, [](LinkedNode&) {})) return nullptr;
    }
  }

  void Unlink(LinkedNode* n) {
    Position pos;
    // Not stopping at the first level with the anchor, as all predecessors are wanted.
    if (find_position(Query::AtOrBefore(n->anchor()), pos, key_comparator(), false) &&
        pos.pCur == n) {
      try_remove_at(
          n, pos, [](LinkedNode&) {}, false);
    }
  }

 private:
  struct Walk {
    Query query;
    Hook* at;
    Hook* beyond;
    Hook* next;  // to be compared with
    Node** found;
    unsigned level;
  };

  // False: there is nothing between `at` and `beyond` on any level.
  static bool FindNext(Walk& w) {
    while (true) {
      Hook* next = w.at->next(w.level).load(std::memory_order_acquire).ptr();
      if (next != nullptr && next != w.beyond) {
        w.next = next;
        // Its tower begins in the second line.
        __builtin_prefetch(next);
        __builtin_prefetch(reinterpret_cast<const char*>(next) + 64);
        return true;
      }
      if (w.level == 0) return false;
      --w.level;
    }
  }

  // libcds's own lets the list's retire function run only outside of read sections; ours may run
  // inside of them.
  struct Position : position {
    ~Position() {
      for (Hook* h = pDelChain; h != nullptr;) {
        Hook* next = h->m_pDelChain;
        LinkedNode* n = LinkedNode::Of(h);
        reclaim::Retire(
            n, [](void* p) { LinkedNode::Destroy(static_cast<LinkedNode*>(p)); },
            n->allocated_bytes());
        h = next;
      }
      pDelChain = nullptr;
    }
  };
};

NodeList::NodeList(Block* block) : set_(std::make_unique<Set>()) {
  const reclaim::ReadSection section;
  first_ = LinkedNode::Create({}, block, Heights::c_nUpperBound);
  set_->Link(LinkedNode::Of(first_));
  first_->SetLinked();
}

NodeList::~NodeList() = default;

Node* NodeList::Create(Bytes anchor, Block* block) {
  return LinkedNode::Create(anchor, block, RandomHeight());
}
void NodeList::Discard(Node* n) { LinkedNode::Destroy(LinkedNode::Of(n)); }
Node* NodeList::Floor(const Query& q) { return set_->Floor(q); }
void NodeList::Floors(std::span<const Bytes> keys, std::span<Node*> found) {
  set_->Floors(keys, found);
}
Node* NodeList::Link(Node* n) { return set_->Link(LinkedNode::Of(n)); }
void NodeList::Unlink(Node* n) { set_->Unlink(LinkedNode::Of(n)); }

}  // namespace mantis::index
