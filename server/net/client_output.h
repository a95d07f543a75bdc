// What waits to be sent to a client: bytes in a buffer, with large values spliced in by reference.
//
// Thread safety: one client, one core.
// Ownership: holds a reference on every attached blob until its bytes were sent or dropped.
// Invariants: `at` positions of attachments ascend; positions count from the buffer's begin and
// move only in Consume() and Clear(), which are never called while a command runs.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/value/blob.h"
#include "protocol/output_buffer.h"

namespace mantis::server {

class ClientOutput {
 public:
  ClientOutput() = default;
  ~ClientOutput() { Clear(); }
  ClientOutput(const ClientOutput&) = delete;
  ClientOutput& operator=(const ClientOutput&) = delete;

  // Values from this size on are sent from the blob instead of being copied.
  static constexpr size_t kAttachThreshold = 16 * 1024;

  protocol::OutputBuffer& buffer() { return buffer_; }
  const protocol::OutputBuffer& buffer() const { return buffer_; }
  // The blob's bytes come after everything that is in the buffer now.
  void Attach(Blob* blob);

  // Adds what `other` holds, from which nothing was sent. Takes its memory over where it can.
  void Splice(ClientOutput& other);

  // Bytes not sent yet.
  size_t pending() const { return buffer_.size() - sent_in_buffer_ + attached_bytes_; }
  bool empty() const { return pending() == 0; }
  // A point to come back to when a command's reply is to be dropped.
  struct Mark {
    size_t buffer;
    size_t attachments;
  };
  Mark mark() const { return {buffer_.size(), attachments_.size()}; }
  void Rewind(const Mark& m);
  // Takes away what comes after the mark, for a Splice later.
  std::unique_ptr<ClientOutput> Cut(const Mark& m);

  // Fills `out` with what is to be sent next, `most` bytes at most; returns how many were filled.
  size_t Gather(std::span<iovec> out, size_t most) const;
  // `n` bytes of it were sent.
  void Consume(size_t n);
  void Clear();
  // Gives memory back that is kept for replies to come; only while empty() does it free anything.
  void Shrink();
  // Bytes of memory held, attached blobs included.
  size_t memory() const { return buffer_.capacity() + attached_bytes_; }
  size_t attachments() const { return attachments_.size() - first_; }

 private:
  struct Attachment {
    size_t at;  // buffer position before which the blob goes
    Blob* blob;
    size_t sent;
  };
  void Compact();

  protocol::OutputBuffer buffer_;
  size_t sent_in_buffer_ = 0;
  std::vector<Attachment> attachments_;
  size_t first_ = 0;           // attachments before this one were sent
  size_t attached_bytes_ = 0;  // unsent bytes of attached blobs
};

}  // namespace mantis::server
