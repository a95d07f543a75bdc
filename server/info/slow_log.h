// SLOWLOG: the latest commands that took longer than a threshold.
//
// Thread safety: all methods from any thread; one mutex, taken only by slow commands and readers.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace mantis::server {

class SlowLog {
 public:
  struct Item {
    int64_t id;
    int64_t unix_seconds;
    int64_t duration_us;
    std::vector<std::string> args;  // shortened as Redis does: 32 arguments of 128 bytes
    std::string client_address;
    std::string client_name;
  };

  void Add(int64_t unix_seconds, int64_t duration_us, std::span<const Bytes> args,
           const std::string& client_address, const std::string& client_name, size_t length_max);
  // The newest `n`, all for a negative n; newest first.
  std::vector<Item> Latest(int64_t n) const;
  size_t size() const;
  void Reset();

 private:
  mutable std::mutex mutex_;
  std::deque<Item> items_;  // newest first
  int64_t next_id_ = 0;
};

}  // namespace mantis::server
