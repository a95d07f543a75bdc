#include "engine/value/string_buffer.h"

#include <algorithm>
#include <cstring>

namespace mantis {
namespace {

// Small strings double; beyond this much, growth adds an eighth.
constexpr size_t kGrowthMax = size_t{1} << 20;

char* NewBytes(size_t n, bool zeroed) {
  return static_cast<char*>(zeroed ? memory::AllocateZeroed(n) : memory::Allocate(n));
}

}  // namespace

StringBuffer::StringBuffer(Bytes text, size_t size)
    : data_(NewBytes(std::max<size_t>(size, 1), size != text.size())),
      size_(size),
      capacity_(size) {
  if (!text.empty()) std::memcpy(data_, text.data(), text.size());
}

void StringBuffer::Move(size_t size, bool zeroed) {
  const size_t capacity = size + std::min(size, kGrowthMax + size / 8);
  char* moved = NewBytes(capacity, zeroed);
  if (size_ != 0) std::memcpy(moved, data_, size_);
  memory::Free(data_);
  data_ = moved;
  capacity_ = capacity;
}

void StringBuffer::Resize(size_t size) {
  if (size > capacity_) {
    Move(size, true);
  } else if (size > size_) {
    std::memset(data_ + size_, 0, size - size_);
  }
  size_ = size;
}

void StringBuffer::Assign(Bytes text) {
  const size_t capacity = std::max<size_t>(text.size(), 1);
  char* fresh = NewBytes(capacity, false);
  memory::Free(data_);
  data_ = fresh;
  capacity_ = capacity;
  if (!text.empty()) std::memcpy(data_, text.data(), text.size());
  size_ = text.size();
}

void StringBuffer::Append(Bytes tail) {
  if (size_ + tail.size() > capacity_) Move(size_ + tail.size(), false);
  if (!tail.empty()) std::memcpy(data_ + size_, tail.data(), tail.size());
  size_ += tail.size();
}

}  // namespace mantis
