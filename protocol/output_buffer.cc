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
  // operator new rather than realloc, so that the program's memory accounting sees it.
  char* const moved = capacity == 0 ? nullptr : static_cast<char*>(::operator new(capacity));
  if (size_ > 0) std::memcpy(moved, data_, size_);
  ::operator delete(data_);
  data_ = moved;
  capacity_ = capacity;
}

}  // namespace mantis::protocol
