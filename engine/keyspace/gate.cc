#include "engine/keyspace/gate.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "engine/base/clock.h"

namespace mantis {
namespace {

// How often a long batch that waits looks whether the request that it waits for was given up.
constexpr std::chrono::milliseconds kLook(1);

}  // namespace

bool Gate::EnterLong(const std::atomic<bool>* give_up) {
  std::unique_lock lock(mutex_);
  const uint64_t turn = turns_;
  bool counted = false;  // among those that wait
  while (true) {
    // Open() has registered everybody who waited.
    if (counted && turns_ != turn) return true;
    DropOldRequests(MonotonicUs());
    const bool free = owner_.load(std::memory_order_relaxed) == nullptr && requests_.empty();
    const bool stop = give_up != nullptr && give_up->load(std::memory_order_relaxed);
    if (free || stop) {
      if (counted) --waiting_;
      if (!stop) ++running_;
      return !stop;
    }
    if (!counted) ++waiting_;
    counted = true;
    turn_.wait_for(lock, kLook);
  }
}

void Gate::LeaveLong() {
  const std::lock_guard lock(mutex_);
  assert(running_ > 0);
  --running_;
}

bool Gate::TryClose(OpContext* who) {
  const std::lock_guard lock(mutex_);
  const int64_t now_us = MonotonicUs();
  DropOldRequests(now_us);
  if (!MayClose(who, now_us)) {
    RememberRequest(who, now_us);
    return false;
  }
  ForgetRequest(who);
  refused_.store(false, std::memory_order_relaxed);
  owner_.store(who, std::memory_order_seq_cst);
  return true;
}

void Gate::Open() {
  const std::lock_guard lock(mutex_);
  owner_.store(nullptr, std::memory_order_seq_cst);
  opened_us_ = MonotonicUs();
  ++turns_;
  running_ += waiting_;
  if (waiting_ != 0) turn_.notify_all();
  waiting_ = 0;
}

bool Gate::MayClose(const OpContext* who, int64_t now_us) const {
  if (running_ != 0 || owner_.load(std::memory_order_relaxed) != nullptr) return false;
  if (refused_.load(std::memory_order_relaxed) && now_us - opened_us_ < kOpenUs) return false;
  if (requests_.empty() || requests_.front().who == who) return true;
  return now_us - requests_.front().since_us < kPatienceUs;
}

void Gate::DropOldRequests(int64_t now_us) {
  std::erase_if(requests_, [now_us](const Request& r) { return r.until_us < now_us; });
}

void Gate::RememberRequest(const OpContext* who, int64_t now_us) {
  const auto it = std::find_if(requests_.begin(), requests_.end(),
                               [who](const Request& r) { return r.who == who; });
  if (it == requests_.end()) {
    requests_.push_back({who, now_us, now_us + kRequestUs});
  } else {
    it->until_us = now_us + kRequestUs;
  }
}

void Gate::ForgetRequest(const OpContext* who) {
  std::erase_if(requests_, [who](const Request& r) { return r.who == who; });
}

}  // namespace mantis
