#include "server/net/client_memory.h"

#include <bit>
#include <cstdlib>

#include "server/net/client_eviction.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

// The server's sum may be wrong by this for each core.
constexpr int64_t kPublishStep = 16 * 1024;
// A class with room for this many more than it has gives memory back.
constexpr size_t kSpareMax = 1024;

}  // namespace

void ClientMemory::Change(Connection& connection, Place& place, size_t bytes) {
  sum_ += static_cast<int64_t>(bytes) - static_cast<int64_t>(place.bytes);
  place.bytes = bytes;
  const size_t size_class = static_cast<size_t>(std::bit_width(bytes)) % kClasses;
  if (!place.known || size_class != place.size_class) {
    if (place.known) Leave(place);
    Enter(connection, place, size_class);
  }
  if (std::abs(sum_ - published_) >= kPublishStep) Publish();
}

void ClientMemory::Forget(Place& place) {
  if (!place.known) return;
  Leave(place);
  sum_ -= static_cast<int64_t>(place.bytes);
  place = {};
  Publish();
}

void ClientMemory::Publish() {
  if (sum_ == published_) return;
  eviction_.Add(sum_ - published_);
  published_ = sum_;
}

void ClientMemory::Enter(Connection& connection, Place& place, size_t size_class) {
  place.size_class = size_class;
  place.index = classes_[size_class].size();
  place.known = true;
  classes_[size_class].push_back(&connection);
}

void ClientMemory::Leave(const Place& place) {
  std::vector<Connection*>& members = classes_[place.size_class];
  members[place.index] = members.back();
  members[place.index]->memory_place().index = place.index;
  members.pop_back();
  if (members.capacity() > 2 * members.size() + kSpareMax) members.shrink_to_fit();
}

Connection* ClientMemory::Largest(bool spare_protected) const {
  for (size_t i = kClasses; i-- > 0;) {
    Connection* largest = nullptr;
    for (Connection* c : classes_[i]) {
      if (c->client().killed || (spare_protected && c->client().no_evict)) continue;
      if (largest == nullptr || c->memory_place().bytes > largest->memory_place().bytes) {
        largest = c;
      }
    }
    if (largest != nullptr) return largest;
  }
  return nullptr;
}

}  // namespace mantis::server
