// What waits to be sent to a client: bytes in buffers, with large values spliced in by reference.
//
// Replies are written into the open part. Once a part is large and cannot be sent at once it is
// sealed: it stays as it is until it was sent, and a new part is begun. So a backlog never moves in
// memory, however long it becomes, and gives its memory back as it is sent.
//
// Thread safety: one client, one core.
// Ownership: holds a reference on every attached blob until its bytes were sent or dropped.
// Invariants: marks and the `at` positions of attachments count from the begin of the open part's
// buffer; attachments ascend. Only Consume, Seal, Adopt and Clear move them, which are never called
// while a command runs.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <list>
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
  // Parts are sealed from this size on.
  static constexpr size_t kSealMin = 64 * 1024;

  protocol::OutputBuffer& buffer() { return open_.buffer; }
  const protocol::OutputBuffer& buffer() const { return open_.buffer; }
  // How long a single reply may become: beyond that, what adds to it throws ReplyTooLong, where a
  // command runs that is prepared for it.
  void set_reply_max(size_t bytes);
  size_t reply_max() const { return open_.buffer.bound().most; }
  // The blob's bytes come after everything that is in the buffer now.
  void Attach(Blob* blob);

  // Adds what `other` holds, which has nothing sealed and from which nothing was sent. Takes its
  // memory over where it can.
  void Splice(ClientOutput& other);
  // The same between commands, without copying anything that is large.
  void Adopt(ClientOutput& other);

  // Bytes not sent yet, and those of them in the open part.
  size_t pending() const { return sealed_pending_ + open_.pending(); }
  size_t pending_open() const { return open_.pending(); }
  bool empty() const { return pending() == 0; }
  // A point to come back to when a command's reply is to be dropped.
  struct Mark {
    size_t buffer;
    size_t attachments;
  };
  Mark mark() const { return {open_.buffer.size(), open_.attachments.size()}; }
  void Rewind(const Mark& m);
  // Takes away what comes after the mark, for a Splice later.
  std::unique_ptr<ClientOutput> Cut(const Mark& m);

  // Fills `out` with what is to be sent next, `most` bytes at most; returns how many were filled.
  size_t Gather(std::span<iovec> out, size_t most) const;
  // `n` bytes of it were sent.
  void Consume(size_t n);
  // Nothing can be sent now: seals the open part if it is large.
  void Seal();
  void Clear();
  // Gives memory back that is kept for replies to come; only while empty() does it free anything.
  void Shrink();
  // Bytes of memory held, attached blobs included.
  size_t memory() const { return sealed_memory_ + open_.memory(); }
  size_t sealed_parts() const { return sealed_.size(); }
  size_t attachments() const;

 private:
  struct Attachment {
    size_t at;  // buffer position before which the blob goes
    Blob* blob;
    size_t sent;
  };
  struct Part {
    size_t pending() const { return buffer.size() - sent + attached_bytes; }
    size_t memory() const {
      return buffer.capacity() + attachments.capacity() * sizeof(Attachment) + attached_bytes;
    }
    size_t Gather(std::span<iovec> out, size_t* most) const;
    // Returns how many of the `n` bytes were this part's.
    size_t Consume(size_t n);
    void Clear();

    protocol::OutputBuffer buffer;
    size_t sent = 0;  // bytes of the buffer
    std::vector<Attachment> attachments;
    size_t first = 0;           // attachments before this one were sent
    size_t attached_bytes = 0;  // unsent bytes of attached blobs
  };
  // There is nothing but bytes in one buffer, which is the usual case.
  bool plain() const { return sealed_.empty() && open_.attachments.empty(); }
  void SealOpen();
  void ClearOpen();

  std::list<Part> sealed_;  // oldest first
  size_t sealed_pending_ = 0;
  size_t sealed_memory_ = 0;
  Part open_;
};

}  // namespace mantis::server
