#include "server/net/client_output.h"

#include <algorithm>
#include <utility>

#include "engine/base/allocation_failure.h"

namespace mantis::server {
namespace {

// Memory kept for the next reply once everything was sent.
constexpr size_t kKeptCapacity = 32 * 1024;
// Parts up to this size give up their room to grow when they are sealed; copying a larger one would
// hold others up, and its unused pages cost nothing.
constexpr size_t kTrimMax = 1024 * 1024;

}  // namespace

size_t ClientOutput::Part::Gather(std::span<iovec> out, size_t* most) const {
  size_t filled = 0;
  const auto add = [&](char* bytes, size_t size) {
    size = std::min(size, *most);
    if (size == 0) return;
    out[filled++] = {bytes, size};
    *most -= size;
  };
  size_t position = sent;
  char* const bytes = const_cast<char*>(buffer.view().data());  // iovec knows no const
  for (size_t i = first; i <= attachments.size() && filled < out.size() && *most > 0; ++i) {
    const bool last = i == attachments.size();
    const size_t until = last ? buffer.size() : attachments[i].at;
    add(bytes + position, until - position);
    position = until;
    if (last || filled == out.size()) break;
    const Attachment& a = attachments[i];
    add(a.blob->data() + a.sent, a.blob->size() - a.sent);
  }
  return filled;
}

size_t ClientOutput::Part::Consume(size_t n) {
  const size_t given = n;
  while (n > 0) {
    const bool attached = first < attachments.size();
    const size_t until = attached ? attachments[first].at : buffer.size();
    const size_t from_buffer = std::min(n, until - sent);
    sent += from_buffer;
    n -= from_buffer;
    if (n == 0 || !attached) break;
    Attachment& a = attachments[first];
    const size_t from_blob = std::min(n, a.blob->size() - a.sent);
    a.sent += from_blob;
    attached_bytes -= from_blob;
    n -= from_blob;
    if (a.sent == a.blob->size()) {
      a.blob->Unref();
      ++first;
    }
  }
  return given - n;
}

void ClientOutput::Part::Clear() {
  if (!attachments.empty()) {
    for (size_t i = first; i < attachments.size(); ++i) attachments[i].blob->Unref();
    attachments.clear();
    first = 0;
    attached_bytes = 0;
  }
  sent = 0;
  buffer.Clear();
}

void ClientOutput::set_reply_max(size_t bytes) {
  open_.buffer.set_bound({bytes, memory::FailureAllowed});
}

void ClientOutput::Attach(Blob* blob) {
  if (blob->size() == 0) return;
  if (open_.buffer.bound().Forbids(open_.pending() + blob->size())) throw protocol::ReplyTooLong();
  open_.attachments.push_back({open_.buffer.size(), blob, 0});
  blob->Ref();
  open_.attached_bytes += blob->size();
}

void ClientOutput::Splice(ClientOutput& other) {
  const size_t begin = open_.buffer.size();
  if (begin == 0) {
    std::swap(open_.buffer, other.open_.buffer);
  } else {
    open_.buffer.Append(other.open_.buffer.view());
  }
  for (const Attachment& a : other.open_.attachments) {
    open_.attachments.push_back({begin + a.at, a.blob, 0});
    open_.attached_bytes += a.blob->size();
  }
  // The references went along.
  other.open_.attachments.clear();
  other.Clear();
}

void ClientOutput::Adopt(ClientOutput& other) {
  if (open_.pending() == 0 || other.open_.buffer.size() < kSealMin) return Splice(other);
  SealOpen();
  open_ = std::exchange(other.open_, Part{});
}

void ClientOutput::Rewind(const Mark& m) {
  while (open_.attachments.size() > m.attachments) {
    open_.attached_bytes -= open_.attachments.back().blob->size();
    open_.attachments.back().blob->Unref();
    open_.attachments.pop_back();
  }
  open_.buffer.Truncate(m.buffer);
}

std::unique_ptr<ClientOutput> ClientOutput::Cut(const Mark& m) {
  auto rest = std::make_unique<ClientOutput>();
  rest->open_.buffer.Append(open_.buffer.view().substr(m.buffer));
  for (size_t i = m.attachments; i < open_.attachments.size(); ++i) {
    const Attachment& a = open_.attachments[i];
    rest->Attach(a.blob);
    rest->open_.attachments.back().at = a.at - m.buffer;
  }
  Rewind(m);
  return rest;
}

size_t ClientOutput::Gather(std::span<iovec> out, size_t most) const {
  if (plain()) [[likely]] {
    out[0] = {const_cast<char*>(open_.buffer.view().data()) + open_.sent,
              std::min(open_.pending(), most)};
    return out[0].iov_len != 0 ? 1 : 0;
  }
  size_t filled = 0;
  for (auto part = sealed_.begin(); part != sealed_.end(); ++part) {
    if (filled == out.size() || most == 0) return filled;
    filled += part->Gather(out.subspan(filled), &most);
  }
  return filled + open_.Gather(out.subspan(filled), &most);
}

void ClientOutput::Consume(size_t n) {
  if (plain()) [[likely]] {
    open_.sent += n;
    if (open_.sent == open_.buffer.size()) ClearOpen();
    return;
  }
  while (n > 0 && !sealed_.empty()) {
    Part& part = sealed_.front();
    sealed_memory_ -= part.memory();
    const size_t sent = part.Consume(n);
    n -= sent;
    sealed_pending_ -= sent;
    if (part.pending() == 0) {
      sealed_.pop_front();
    } else {
      sealed_memory_ += part.memory();
    }
  }
  open_.Consume(n);
  if (empty()) Clear();
}

void ClientOutput::Seal() {
  if (open_.buffer.size() + open_.attached_bytes >= kSealMin) SealOpen();
}

void ClientOutput::SealOpen() {
  if (open_.pending() == 0) return;
  const size_t used = open_.buffer.size();
  if (used <= kTrimMax && open_.buffer.capacity() > used + used / 4) open_.buffer.ShrinkTo(used);
  sealed_.push_back(std::exchange(open_, Part{}));
  sealed_pending_ += sealed_.back().pending();
  sealed_memory_ += sealed_.back().memory();
}

void ClientOutput::Clear() {
  for (Part& part : sealed_) part.Clear();
  sealed_.clear();
  sealed_pending_ = 0;
  sealed_memory_ = 0;
  ClearOpen();
}

void ClientOutput::ClearOpen() {
  open_.Clear();
  if (open_.buffer.capacity() > kKeptCapacity) open_.buffer.ShrinkTo(kKeptCapacity);
}

void ClientOutput::Shrink() {
  if (!empty()) return;
  open_.buffer.ShrinkTo(0);
  std::vector<Attachment>().swap(open_.attachments);
}

size_t ClientOutput::attachments() const {
  size_t sum = open_.attachments.size() - open_.first;
  for (const Part& part : sealed_) sum += part.attachments.size() - part.first;
  return sum;
}

}  // namespace mantis::server
