#include "engine/value/string_buffer.h"

#include <algorithm>
#include <cstring>

namespace mantis {
namespace {

// Small strings double; beyond this much, growth adds an eighth.
constexpr size_t kGrowthMax = size_t{1} << 20;

}  // namespace

StringBuffer::StringBuffer(Bytes text)
    : data_(static_cast<char*>(memory::Allocate(std::max<size_t>(text.size(), 1)))),
      size_(text.size()),
      capacity_(text.size()) {
  if (!text.empty()) std::memcpy(data_, text.data(), text.size());
}

void StringBuffer::Reserve(size_t size) {
  if (size <= capacity_) return;
  capacity_ = size + std::min(size, kGrowthMax + size / 8);
  char* grown = static_cast<char*>(memory::Allocate(capacity_));
  if (size_ != 0) std::memcpy(grown, data_, size_);
  memory::Free(data_);
  data_ = grown;
}

void StringBuffer::Resize(size_t size) {
  Reserve(size);
  if (size > size_) std::memset(data_ + size_, 0, size - size_);
  size_ = size;
}

void StringBuffer::Append(Bytes tail) {
  Reserve(size_ + tail.size());
  if (!tail.empty()) std::memcpy(data_ + size_, tail.data(), tail.size());
  size_ += tail.size();
}

}  // namespace mantis
