#include "server/net/client_output.h"

#include <algorithm>
#include <cstring>

namespace mantis::server {
namespace {

// Memory kept for the next reply once everything was sent.
constexpr size_t kKeptCapacity = 32 * 1024;
// A backlog's sent part is moved over when it is at least this large and the larger half, so that
// the cost per byte stays constant; a long rest is moved only when memory demands it, as it is
// likely to be sent as it is.
constexpr size_t kCompactMin = 64 * 1024;
constexpr size_t kCompactRestMax = 1024 * 1024;
constexpr size_t kCompactAlways = 64 * 1024 * 1024;

}  // namespace

void ClientOutput::Attach(Blob* blob) {
  if (blob->size() == 0) return;
  blob->Ref();
  attachments_.push_back({buffer_.size(), blob, 0});
  attached_bytes_ += blob->size();
}

void ClientOutput::Splice(ClientOutput& other) {
  const size_t begin = buffer_.size();
  if (begin == 0) {
    std::swap(buffer_, other.buffer_);
  } else {
    buffer_.Append(other.buffer_.view());
  }
  for (const Attachment& a : other.attachments_) {
    attachments_.push_back({begin + a.at, a.blob, 0});
    attached_bytes_ += a.blob->size();
  }
  // The references went along.
  other.attachments_.clear();
  other.Clear();
}

void ClientOutput::Rewind(const Mark& m) {
  while (attachments_.size() > m.attachments) {
    attached_bytes_ -= attachments_.back().blob->size();
    attachments_.back().blob->Unref();
    attachments_.pop_back();
  }
  buffer_.Truncate(m.buffer);
}

std::unique_ptr<ClientOutput> ClientOutput::Cut(const Mark& m) {
  auto rest = std::make_unique<ClientOutput>();
  rest->buffer_.Append(buffer_.view().substr(m.buffer));
  for (size_t i = m.attachments; i < attachments_.size(); ++i) {
    const Attachment& a = attachments_[i];
    rest->Attach(a.blob);
    rest->attachments_.back().at = a.at - m.buffer;
  }
  Rewind(m);
  return rest;
}

size_t ClientOutput::Gather(std::span<iovec> out, size_t most) const {
  size_t filled = 0;
  const auto add = [&](char* bytes, size_t size) {
    size = std::min(size, most);
    if (size == 0) return;
    out[filled++] = {bytes, size};
    most -= size;
  };
  size_t position = sent_in_buffer_;
  char* const bytes = const_cast<char*>(buffer_.view().data());  // iovec knows no const
  for (size_t i = first_; i <= attachments_.size() && filled < out.size() && most > 0; ++i) {
    const bool last = i == attachments_.size();
    const size_t until = last ? buffer_.size() : attachments_[i].at;
    add(bytes + position, until - position);
    position = until;
    if (last || filled == out.size()) break;
    const Attachment& a = attachments_[i];
    add(a.blob->data() + a.sent, a.blob->size() - a.sent);
  }
  return filled;
}

void ClientOutput::Consume(size_t n) {
  while (n > 0) {
    const bool attached = first_ < attachments_.size();
    const size_t until = attached ? attachments_[first_].at : buffer_.size();
    const size_t from_buffer = std::min(n, until - sent_in_buffer_);
    sent_in_buffer_ += from_buffer;
    n -= from_buffer;
    if (n == 0 || !attached) break;
    Attachment& a = attachments_[first_];
    const size_t from_blob = std::min(n, a.blob->size() - a.sent);
    a.sent += from_blob;
    attached_bytes_ -= from_blob;
    n -= from_blob;
    if (a.sent == a.blob->size()) {
      a.blob->Unref();
      ++first_;
    }
  }
  if (empty()) {
    Clear();
  } else if (sent_in_buffer_ >= kCompactMin && sent_in_buffer_ >= buffer_.size() / 2 &&
             (buffer_.size() - sent_in_buffer_ <= kCompactRestMax ||
              sent_in_buffer_ >= kCompactAlways)) {
    Compact();
  }
}

void ClientOutput::Compact() {
  const size_t left = buffer_.size() - sent_in_buffer_;
  if (left > 0) std::memmove(buffer_.data(), buffer_.data() + sent_in_buffer_, left);
  buffer_.Truncate(left);
  attachments_.erase(attachments_.begin(),
                     attachments_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  for (Attachment& a : attachments_) a.at -= sent_in_buffer_;
  sent_in_buffer_ = 0;
}

void ClientOutput::Clear() {
  for (size_t i = first_; i < attachments_.size(); ++i) attachments_[i].blob->Unref();
  attachments_.clear();
  first_ = 0;
  attached_bytes_ = 0;
  sent_in_buffer_ = 0;
  buffer_.Clear();
  if (buffer_.capacity() > kKeptCapacity) buffer_.ShrinkTo(kKeptCapacity);
}

void ClientOutput::Shrink() {
  if (!empty()) return;
  buffer_.ShrinkTo(0);
  std::vector<Attachment>().swap(attachments_);
}

}  // namespace mantis::server
