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
  if (bound_.Forbids(size_ + n)) throw ReplyTooLong();
  // No room beyond the bound, where bytes would not be counted.
  const size_t usual = std::max(2 * capacity_, kCapacityMin);
  const size_t wanted = size_ + n < bound_.most ? std::min(usual, bound_.most) : usual;
  Reallocate(std::max(size_ + n, wanted));
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
