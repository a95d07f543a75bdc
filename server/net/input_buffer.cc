#include "server/net/input_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/memory.h"

namespace mantis::server {
namespace {

constexpr size_t kCapacityMin = 256;
// Less than this is not worth giving back.
constexpr size_t kKeptCapacity = 64 * 1024;

}  // namespace

InputBuffer::~InputBuffer() { Release(); }

void InputBuffer::Swap(InputBuffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(capacity_, other.capacity_);
}

void InputBuffer::Release() {
  if (data_ != nullptr) memory::Free(data_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

void InputBuffer::Replace(std::string_view bytes) {
  if (bytes.empty()) {
    Release();
    return;
  }
  if (data_ != nullptr && bytes.data() >= data_ && bytes.data() < data_ + capacity_) {
    begin_ = static_cast<size_t>(bytes.data() - data_);
    end_ = begin_ + bytes.size();
    return;
  }
  begin_ = end_ = 0;
  std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
  Commit(bytes.size());
}

char* InputBuffer::Reserve(size_t n) {
  if (capacity_ - end_ >= n) return data_ + end_;
  const size_t used = size();
  if (capacity_ - used >= n && begin_ >= used) {
    std::memcpy(data_, data_ + begin_, used);
  } else {
    const size_t wanted = std::max({used + n, capacity_ + capacity_ / 2, kCapacityMin});
    char* const bigger = static_cast<char*>(memory::Allocate(wanted));
    if (used > 0) std::memcpy(bigger, data_ + begin_, used);
    if (data_ != nullptr) memory::Free(data_);
    data_ = bigger;
    capacity_ = wanted;
  }
  begin_ = 0;
  end_ = used;
  return data_ + end_;
}

void InputBuffer::Shrink() {
  const size_t used = size();
  if (capacity_ <= kKeptCapacity || capacity_ / 2 < used) return;
  const size_t wanted = std::max(used, kCapacityMin);
  char* const smaller = static_cast<char*>(memory::Allocate(wanted));
  std::memcpy(smaller, data_ + begin_, used);
  memory::Free(data_);
  data_ = smaller;
  capacity_ = wanted;
  begin_ = 0;
  end_ = used;
}

void InputBuffer::Consume(size_t n) {
  begin_ += n;
  if (begin_ == end_) Release();
}

}  // namespace mantis::server
