// libcds's containers are templates over a collector cds::urcu::gc<RCU>. This one gives them the
// read sections of rcu.h and, in place of libcds's retire functions (which may wait for a grace
// period in the middle of an operation), our Retire(), which never waits. So containers built
// on it may be modified inside a read section.
#pragma once

#include <cds/algo/backoff_strategy.h>
#include <cds/urcu/general_instant.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "engine/reclaim/rcu.h"

namespace mantis::reclaim {

// How a thread waits for readers: it looks a few times at once, then sleeps between looks. The
// readers are other cores' batches, and spinning would take a core from one of them.
class SleepingBackoff {
 public:
  void operator()() noexcept {
    if (++looks_ < kLooksAtOnce) {
      cds::backoff::hint()();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
  template <typename Predicate>
  bool operator()(Predicate ready) noexcept(noexcept(ready())) {
    if (ready()) return true;
    (*this)();
    return false;
  }
  void reset() noexcept { looks_ = 0; }

 private:
  static constexpr int kLooksAtOnce = 50;
  int looks_ = 0;
};

using RcuImplementation = cds::urcu::general_instant<std::mutex, SleepingBackoff>;

// Tag for the specialization below.
struct MantisRcu : RcuImplementation {};

}  // namespace mantis::reclaim

namespace cds::urcu {

template <>
class gc<mantis::reclaim::MantisRcu> : public details::gc_common {
 public:
  using rcu_implementation = mantis::reclaim::RcuImplementation;
  using rcu_tag = rcu_implementation::rcu_tag;
  using thread_gc = rcu_implementation::thread_gc;
  using scoped_lock = rcu_implementation::scoped_lock;
  using details::gc_common::atomic_marked_ptr;

  // libcds's debug assertions ask. Retiring never waits here, so unlike libcds's own collectors
  // this one may be given objects inside a read section.
  static bool is_locked() { return mantis::reclaim::InReadSection(); }
  static void access_lock() { thread_gc::access_lock(); }
  static void access_unlock() { thread_gc::access_unlock(); }
  static void synchronize() { mantis::reclaim::Synchronize(); }

  static void retire_ptr(retired_ptr& p) {
    if (p.m_p != nullptr) mantis::reclaim::Retire(p.m_p, p.m_funcFree, kAssumedBytes);
  }
  template <typename T>
  static void retire_ptr(T* p, free_retired_ptr_func free) {
    mantis::reclaim::Retire(p, free, kAssumedBytes);
  }
  template <typename Disposer, typename T>
  static void retire_ptr(T* p) {
    retire_ptr(
        p, +[](void* v) { Disposer()(static_cast<T*>(v)); });
  }
  template <typename Iterator>
  static void batch_retire(Iterator first, Iterator last) {
    for (; first != last; ++first) retire_ptr(*first);
  }
  template <typename Next>
  static void batch_retire(Next next) {
    for (retired_ptr p{next()}; p.m_p != nullptr; p = next()) retire_ptr(p);
  }

 private:
  // A container does not say how large its node is; only the batch threshold depends on it.
  static constexpr size_t kAssumedBytes = 128;
};

}  // namespace cds::urcu

namespace mantis::reclaim {

// What containers name as their collector.
using CdsCollector = cds::urcu::gc<MantisRcu>;

}  // namespace mantis::reclaim
