// The structures that MantisDB's engine is compared with, each behind the same small interface:
//
//   Session            what one thread needs; made on that thread
//   Get, Erase         one key
//   Put, Insert        one key, overwritten or inserted; each first tries what its name says
//   PutBatch           kBatch keys
//   ScanPrefix/ScanAll visit(key, value) in order; the number visited
//   ScanKeys           visit(key) in order; the number visited
//   Settle             called by the one thread there is, between loading and measuring
//   kErases, kSeeks    whether it can erase, and begin a scan in the middle, beside other threads
//
// Thread safety: as in the structure, any number of threads with a Session each. Values of the
// structures that only synchronize keys are guarded by one bit per value (Cell).
// At most one store exists at a time: libcds is started and stopped with those that use it.
#pragma once

// clang-format off: the containers need the collector's header and do not include it.
#include <cds/urcu/general_buffered.h>
// clang-format on

#include <cds/container/skip_list_map_rcu.h>
#include <cds/init.h>
#include <cds/threading/model.h>
#include <tbb/concurrent_map.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mantis::bench {

struct NoSession {
  template <class Store>
  explicit NoSession(Store&) {}
};

// A value that may be read and overwritten at the same time.
class Cell {
 public:
  Cell() = default;
  explicit Cell(std::string_view value) : value_(value) {}
  // Only before others can see either.
  Cell(Cell&& other) noexcept : value_(std::move(other.value_)) {}

  void Set(std::string_view value) {
    Lock();
    value_.assign(value);
    Unlock();
  }
  template <class Visit>
  void Read(std::string_view key, Visit&& visit) {
    Lock();
    visit(key, std::string_view(value_));
    Unlock();
  }

 private:
  void Lock() {
    // Acquire and release: each holder sees what the one before it wrote.
    while (locked_.exchange(true, std::memory_order_acquire)) __builtin_ia32_pause();
  }
  void Unlock() { locked_.store(false, std::memory_order_release); }

  std::atomic<bool> locked_{false};
  std::string value_;
};

class StdMapStore {
 public:
  static constexpr const char* kName = "std::map + shared_mutex";
  static constexpr bool kErases = true;
  static constexpr bool kSeeks = true;
  using Session = NoSession;

  void Settle() {}

  template <class Visit>
  bool Get(Session&, std::string_view key, Visit&& visit) {
    const std::shared_lock lock(mutex_);
    const auto it = map_.find(key);
    if (it == map_.end()) return false;
    visit(key, std::string_view(it->second));
    return true;
  }
  void Put(Session&, std::string_view key, std::string_view value) {
    const std::unique_lock lock(mutex_);
    PutLocked(key, value);
  }
  void Insert(Session& s, std::string_view key, std::string_view value) { Put(s, key, value); }
  bool Erase(Session&, std::string_view key) {
    const std::unique_lock lock(mutex_);
    const auto it = map_.find(key);
    if (it == map_.end()) return false;
    map_.erase(it);
    return true;
  }
  void PutBatch(Session&, std::span<const std::string_view> keys, std::string_view value) {
    const std::unique_lock lock(mutex_);
    for (const std::string_view key : keys) PutLocked(key, value);
  }
  template <class Visit>
  size_t ScanPrefix(Session&, std::string_view prefix, Visit&& visit) {
    const std::shared_lock lock(mutex_);
    size_t n = 0;
    for (auto it = map_.lower_bound(prefix); it != map_.end(); ++it, ++n) {
      if (!it->first.starts_with(prefix)) break;
      visit(it->first, std::string_view(it->second));
    }
    return n;
  }
  template <class Visit>
  size_t ScanKeys(Session&, Visit&& visit) {
    const std::shared_lock lock(mutex_);
    for (const auto& item : map_) visit(item.first);
    return map_.size();
  }
  template <class Visit>
  size_t ScanAll(Session&, Visit&& visit) {
    const std::shared_lock lock(mutex_);
    for (const auto& [key, value] : map_) visit(key, std::string_view(value));
    return map_.size();
  }

 private:
  void PutLocked(std::string_view key, std::string_view value) {
    const auto it = map_.lower_bound(key);
    if (it != map_.end() && it->first == key) {
      it->second.assign(value);
    } else {
      map_.emplace_hint(it, key, value);
    }
  }

  std::shared_mutex mutex_;
  std::map<std::string, std::string, std::less<>> map_;
};

class TbbStore {
 public:
  static constexpr const char* kName = "TBB concurrent_map";
  static constexpr bool kErases = false;
  static constexpr bool kSeeks = true;
  using Session = NoSession;

  void Settle() {}

  template <class Visit>
  bool Get(Session&, std::string_view key, Visit&& visit) {
    const auto it = map_.find(key);
    if (it == map_.end()) return false;
    it->second.Read(key, visit);
    return true;
  }
  void Put(Session& s, std::string_view key, std::string_view value) {
    const auto it = map_.find(key);
    if (it == map_.end()) return Insert(s, key, value);
    it->second.Set(value);
  }
  void Insert(Session&, std::string_view key, std::string_view value) {
    const auto [it, inserted] = map_.emplace(key, value);
    if (!inserted) it->second.Set(value);
  }
  void PutBatch(Session& s, std::span<const std::string_view> keys, std::string_view value) {
    for (const std::string_view key : keys) Put(s, key, value);
  }
  template <class Visit>
  size_t ScanPrefix(Session&, std::string_view prefix, Visit&& visit) {
    size_t n = 0;
    for (auto it = map_.lower_bound(prefix); it != map_.end(); ++it, ++n) {
      if (!it->first.starts_with(prefix)) break;
      it->second.Read(it->first, visit);
    }
    return n;
  }
  template <class Visit>
  size_t ScanKeys(Session&, Visit&& visit) {
    size_t n = 0;
    for (const auto& item : map_) {
      visit(item.first);
      ++n;
    }
    return n;
  }
  template <class Visit>
  size_t ScanAll(Session&, Visit&& visit) {
    size_t n = 0;
    for (auto& [key, value] : map_) {
      value.Read(key, visit);
      ++n;
    }
    return n;
  }

 private:
  // The standard allocator, so that all structures share one.
  using Allocator = std::allocator<std::pair<const std::string, Cell>>;
  tbb::concurrent_map<std::string, Cell, std::less<>, Allocator> map_;
};

class CdsStore {
 public:
  static constexpr const char* kName = "libcds SkipListMap";
  static constexpr bool kErases = true;
  static constexpr bool kSeeks = false;

 private:
  using Rcu = cds::urcu::general_buffered<>;
  using Gc = cds::urcu::gc<Rcu>;
  struct Less {
    bool operator()(std::string_view a, std::string_view b) const { return a < b; }
  };
  struct Traits : cds::container::skip_list::traits {
    using less = Less;
  };
  using Map = cds::container::SkipListMap<Gc, std::string, Cell, Traits>;

  struct Library {
    Library() { cds::Initialize(); }
    ~Library() { cds::Terminate(); }
  };
  struct Attachment {
    Attachment() { cds::threading::Manager::attachThread(); }
    ~Attachment() { cds::threading::Manager::detachThread(); }
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
  };

 public:
  class Session {
   public:
    explicit Session(CdsStore&) : attachment_(std::make_unique<Attachment>()) {}

   private:
    std::unique_ptr<Attachment> attachment_;
  };

  CdsStore() {
    const Attachment attachment;
    map_ = std::make_unique<Map>();
  }
  ~CdsStore() {
    const Attachment attachment;
    map_.reset();
  }
  CdsStore(const CdsStore&) = delete;
  CdsStore& operator=(const CdsStore&) = delete;

  void Settle() {
    const Attachment attachment;
    Gc::force_dispose();
  }

  template <class Visit>
  bool Get(Session&, std::string_view key, Visit&& visit) {
    return map_->find(key, [&](Map::value_type& item) { item.second.Read(item.first, visit); });
  }
  void Put(Session& s, std::string_view key, std::string_view value) {
    const auto set = [&](Map::value_type& item) { item.second.Set(value); };
    if (!map_->find(key, set)) Insert(s, key, value);
  }
  void Insert(Session&, std::string_view key, std::string_view value) {
    map_->update(key, [&](bool, Map::value_type& item) { item.second.Set(value); });
  }
  bool Erase(Session&, std::string_view key) { return map_->erase(key); }
  void PutBatch(Session& s, std::span<const std::string_view> keys, std::string_view value) {
    for (const std::string_view key : keys) Put(s, key, value);
  }
  template <class Visit>
  size_t ScanKeys(Session&, Visit&& visit) {
    const Gc::scoped_lock lock;
    size_t n = 0;
    for (const auto& item : *map_) {
      visit(item.first);
      ++n;
    }
    return n;
  }
  template <class Visit>
  size_t ScanAll(Session&, Visit&& visit) {
    const Gc::scoped_lock lock;
    size_t n = 0;
    for (auto& item : *map_) {
      item.second.Read(item.first, visit);
      ++n;
    }
    return n;
  }

 private:
  Library library_;
  Gc rcu_;
  std::unique_ptr<Map> map_;
};

}  // namespace mantis::bench
