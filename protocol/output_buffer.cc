#include "protocol/output_buffer.h"

#include <algorithm>
#include <limits>
#include <new>

namespace mantis::protocol {
namespace {

constexpr size_t kCapacityMin = 256;

}  // namespace

void OutputBuffer::Grow(size_t n) {
  if (n > std::numeric_limits<size_t>::max() / 2 - size_) throw std::bad_alloc();
  Reallocate(std::max({size_ + n, 2 * capacity_, kCapacityMin}));
}

void OutputBuffer::ShrinkTo(size_t capacity) {
  const size_t wanted = std::max(capacity, size_);
  if (wanted < capacity_) Reallocate(wanted);
}

void OutputBuffer::Reallocate(size_t capacity) {
  if (capacity == 0) {
    std::free(data_);
    data_ = nullptr;
  } else {
    void* moved = std::realloc(data_, capacity);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(moved);
  }
  capacity_ = capacity;
}

}  // namespace mantis::protocol
