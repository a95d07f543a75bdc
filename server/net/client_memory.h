// How much memory the clients of one core hold, and which of them holds most: what client eviction
// (client_eviction.h) goes by. A change costs a few additions; clients are kept in classes of
// similar size, so the largest is found without a walk of all.
//
// Thread safety: the core's thread only.
// Ownership: holds bare pointers to connections; a connection takes itself out when it closes.
// Units: bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mantis::server {

class ClientEviction;
class Connection;

class ClientMemory {
 public:
  // Where a connection stands; part of it.
  struct Place {
    size_t bytes = 0;
    size_t size_class = 0;
    size_t index = 0;  // in its class
    bool known = false;
  };

  explicit ClientMemory(ClientEviction& eviction) : eviction_(eviction) {}

  // The connection holds `bytes` now.
  void Note(Connection& connection, Place& place, size_t bytes) {
    if (!place.known || bytes != place.bytes) Change(connection, place, bytes);
  }
  void Forget(Place& place);
  // Tells the server's sum what this core's has changed by since. Note does so by itself once that
  // is some kilobytes.
  void Publish();

  int64_t sum() const { return sum_; }
  // The one that holds most; nullptr if there is none. `spare_protected`: CLIENT NO-EVICT.
  Connection* Largest(bool spare_protected) const;

 private:
  static constexpr size_t kClasses = 64;  // by powers of two

  void Change(Connection& connection, Place& place, size_t bytes);
  void Enter(Connection& connection, Place& place, size_t size_class);
  void Leave(const Place& place);

  ClientEviction& eviction_;
  std::array<std::vector<Connection*>, kClasses> classes_;
  int64_t sum_ = 0;
  int64_t published_ = 0;
};

}  // namespace mantis::server
