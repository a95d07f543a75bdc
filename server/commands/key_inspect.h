// What commands about keys, whatever they hold, share: looking without touching.
//
// Thread safety: one command, one core, inside its batch.
#pragma once

#include <vector>

#include "server/dispatch/command.h"

namespace mantis::server {

// While it lives, look-ups count as hits and misses but leave the access clocks alone (or, with
// `quiet` false, touch them even for a client that asked for CLIENT NO-TOUCH).
class TouchScope {
 public:
  TouchScope(OpContext& op, bool quiet) : op_(op), before_(op.no_touch) { op.no_touch = quiet; }
  ~TouchScope() { op_.no_touch = before_; }
  TouchScope(const TouchScope&) = delete;
  TouchScope& operator=(const TouchScope&) = delete;

 private:
  OpContext& op_;
  const bool before_;
};

// Lends a vector that its thread keeps from one command to the next, unless it has become large.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::vector<T>& kept) : kept_(kept) { kept_.clear(); }
  ~Scratch() {
    constexpr size_t kKeptElements = 1'000;
    if (kept_.capacity() > kKeptElements) std::vector<T>().swap(kept_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::vector<T>& operator*() const { return kept_; }
  std::vector<T>* operator->() const { return &kept_; }

 private:
  std::vector<T>& kept_;
};

inline Status Inspect(CommandContext& c, const KeyRef& key, Current* out, Entry** entry = nullptr) {
  const TouchScope scope(c.op, true);
  return c.db().Get(c.op, key, out, Database::Access::kRead, entry);
}

}  // namespace mantis::server
