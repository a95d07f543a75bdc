// A growable, contiguous byte buffer for replies that wait to be sent.
//
// Thread safety: none; one buffer belongs to one connection.
// Ownership: owns its memory, movable. Pointers and views into it are good until the next call that
// adds bytes or changes the capacity.
// Invariants: size() <= capacity(); capacity grows geometrically, so appending costs O(1) per byte;
// reserved bytes are not cleared. Running out of memory throws std::bad_alloc as containers do;
// growing beyond the buffer's bound throws ReplyTooLong. A buffer that throws is as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

namespace mantis::protocol {

class ReplyTooLong : public std::exception {
 public:
  const char* what() const noexcept override { return "the reply is too long"; }
};

class OutputBuffer {
 public:
  // How many bytes there may be, as long as `enforced()` says that whoever adds them is prepared
  // for an exception. Belongs to the object: it does not move along with the bytes.
  struct Bound {
    size_t most = SIZE_MAX;
    bool (*enforced)() = nullptr;
    bool Forbids(size_t bytes) const { return bytes > most && enforced != nullptr && enforced(); }
  };

  OutputBuffer() = default;
  OutputBuffer(OutputBuffer&& other) noexcept { Swap(other); }
  OutputBuffer& operator=(OutputBuffer&& other) noexcept {
    OutputBuffer moved(std::move(other));
    Swap(moved);
    return *this;
  }
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  ~OutputBuffer() { ::operator delete(data_); }

  // Room for `n` more bytes, to be written by the caller and then counted in by Commit.
  [[nodiscard]] char* Reserve(size_t n) {
    if (n > capacity_ - size_) [[unlikely]]
      Grow(n);
    return data_ + size_;
  }
  // At most what the last Reserve asked for.
  void Commit(size_t n) { size_ += n; }
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] const Bound& bound() const { return bound_; }
  void set_bound(const Bound& bound) { bound_ = bound; }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

  // Forgets the bytes, keeps the memory.
  void Clear() { size_ = 0; }
  // Forgets the bytes after the first `n`; n <= size().
  void Truncate(size_t n) { size_ = n; }
  // Gives memory back beyond `capacity` bytes, or beyond size() if that is more.
  void ShrinkTo(size_t capacity);

 private:
  void Swap(OutputBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  void Grow(size_t n);
  void Reallocate(size_t capacity);

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  Bound bound_;
};

}  // namespace mantis::protocol
