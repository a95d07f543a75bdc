// Bytes received from a client and not consumed yet: a partial command, or commands that wait.
//
// Thread safety: none; one connection, one core.
// Ownership: owns its memory; holds none while empty, so that idle connections cost nothing.
// Invariants: views and pointers are good until the next call that adds or drops bytes. Memory
// grows with what was received, never with what was announced.
#pragma once

#include <cstddef>
#include <string_view>

namespace mantis::server {

class InputBuffer {
 public:
  InputBuffer() = default;
  ~InputBuffer();
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  void Swap(InputBuffer& other) noexcept;

  std::string_view view() const { return {data_ + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

  // Replaces the content by `bytes`, which may be part of it.
  void Assign(std::string_view bytes) {
    // Mostly nothing is left over, and nothing was before.
    if (!bytes.empty() || data_ != nullptr) Replace(bytes);
  }
  // Room for `n` bytes after the content, counted in by Commit.
  char* Reserve(size_t n);
  void Commit(size_t n) { end_ += n; }
  void Consume(size_t n);
  // Gives memory back that the content is far from filling.
  void Shrink();

 private:
  void Replace(std::string_view bytes);
  void Release();

  char* data_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace mantis::server
