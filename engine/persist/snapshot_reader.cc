#include <fcntl.h>
#include <flatbuffers/flatbuffers.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/persist/atomic_file.h"
#include "engine/persist/rdb_value.h"
#include "engine/persist/snapshot.h"
#include "engine/persist/snapshot_format.h"
#include "engine/persist/snapshot_generated.h"

namespace mantis::persist {
namespace {

struct Unref {
  void operator()(Blob* blob) const { blob->Unref(); }
};
using BlobPtr = std::unique_ptr<Blob, Unref>;

Bytes ToBytes(const flatbuffers::Vector<uint8_t>& v) {
  return {reinterpret_cast<const char*>(v.data()), v.size()};
}

class SnapshotReader {
 public:
  SnapshotReader(OpContext& ctx, const std::string& path, const LoadOptions& options,
                 LoadResult& result)
      : ctx_(ctx), path_(path), options_(options), result_(result) {}
  ~SnapshotReader() {
    if (fd_ != -1) ::close(fd_);
  }
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;

  void Run();

 private:
  // Both write the result's error and return false.
  bool Fail(const std::string& what);
  bool Corrupt(uint64_t offset, const std::string& what);

  // False and no error: there is no file.
  bool Open();
  bool ReadFileHeader();
  bool Read(char* to, size_t n);
  // Reads one block into header_, table_ and tail_, and checks it.
  bool ReadBlock();
  bool CheckSizes(uint64_t at);
  bool ApplyChunk();
  bool ApplyRecords(const Chunk& chunk);
  bool ApplyRecord(Database& db, const Record& record, OwnedValue value, bool with_access);
  // The record's value, which is in the tail if `tail` says so.
  enum class Tail : uint8_t { kNone, kString, kPayload };
  bool ReadValue(const Record& record, Tail tail, OwnedValue* out);
  bool CheckEnd();
  // Tells how far it has come. False: it is to be given up.
  bool GoesOn();

  OpContext& ctx_;
  const std::string& path_;
  const LoadOptions& options_;
  LoadResult& result_;
  int fd_ = -1;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;    // of the next byte to read
  uint64_t block_at_ = 0;  // of the current block
  BlockHeader header_;
  std::vector<char> table_;
  BlobPtr tail_;
  uint64_t chunks_ = 0;
  int64_t slept_us_ = 0;
};

bool SnapshotReader::Fail(const std::string& what) {
  result_.error = what;
  return false;
}

bool SnapshotReader::Corrupt(uint64_t offset, const std::string& what) {
  return Fail("the snapshot " + path_ + " is damaged at byte " + std::to_string(offset) + ": " +
              what);
}

bool SnapshotReader::Open() {
  // Non-blocking, so that a pipe of that name does not stop the start for ever.
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ == -1) {
    return errno != ENOENT && Fail("cannot open the snapshot " + path_ + ": " + ErrnoText(errno));
  }
  result_.found = true;
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    return Fail("the snapshot " + path_ + " is not a regular file");
  }
  size_ = static_cast<uint64_t>(status.st_size);
  // Relaxed, here and below: whoever watches the progress reads nothing else by it.
  if (options_.progress != nullptr) {
    options_.progress->total_bytes.store(size_, std::memory_order_relaxed);
  }
  return true;
}

bool SnapshotReader::Read(char* to, size_t n) {
  if (n > size_ - offset_) return Corrupt(size_, "the file ends too early");
  while (n > 0) {
    const ssize_t got = ::read(fd_, to, n);
    if (got < 0) {
      if (errno == EINTR) continue;
      return Fail("cannot read the snapshot " + path_ + ": " + ErrnoText(errno));
    }
    if (got == 0) return Corrupt(offset_, "the file ends too early");
    to += got;
    n -= static_cast<size_t>(got);
    offset_ += static_cast<uint64_t>(got);
  }
  return true;
}

bool SnapshotReader::ReadFileHeader() {
  FileHeader header;
  const std::string other = "the file " + path_ + " is not a snapshot of MantisDB";
  if (size_ >= header.magic.size() && !Read(header.magic.data(), header.magic.size())) return false;
  if (size_ != 0 && (size_ < header.magic.size() || header.magic != kMagic)) {
    const bool redis = Bytes(header.magic.data(), 5) == "REDIS";
    return Fail(other + (redis ? " but an RDB file of Redis" : "") +
                "; move it away or choose another dbfilename");
  }
  const size_t rest = sizeof(header) - header.magic.size();
  if (!Read(reinterpret_cast<char*>(&header) + header.magic.size(), rest)) return false;
  if (header.version < kFormatVersionMin || header.version > kFormatVersion) {
    return Fail("the snapshot " + path_ + " has format version " + std::to_string(header.version) +
                ", this server reads versions " + std::to_string(kFormatVersionMin) + " to " +
                std::to_string(kFormatVersion));
  }
  return header.reserved == 0 || Corrupt(offsetof(FileHeader, reserved), "not zero");
}

bool SnapshotReader::CheckSizes(uint64_t at) {
  // Before anything is allocated: a size that the file cannot hold would ask for any amount.
  const uint64_t left = size_ - offset_;
  if (header_.stored_size > left || header_.tail_size > left - header_.stored_size) {
    return Corrupt(at, "the block is larger than the rest of the file");
  }
  const bool known = (header_.kind == BlockKind::kChunk || header_.kind == BlockKind::kEnd) &&
                     header_.codec == Codec::kPlain;
  if (!known) return Corrupt(at, "a block of an unknown kind");
  if (header_.table_size != header_.stored_size || header_.tail_size > UINT32_MAX) {
    return Corrupt(at, "sizes that do not fit together");
  }
  return true;
}

bool SnapshotReader::ReadBlock() {
  block_at_ = offset_;
  if (!Read(reinterpret_cast<char*>(&header_), sizeof(header_)) || !CheckSizes(block_at_)) {
    return false;
  }
  table_.resize(header_.stored_size);
  if (!Read(table_.data(), table_.size())) return false;
  BlockHasher hasher(header_, block_at_);
  hasher.Add({table_.data(), table_.size()});
  tail_.reset();
  if (header_.tail_size > 0) {
    tail_.reset(Blob::CreateUninitialized(static_cast<size_t>(header_.tail_size)));
    if (!Read(tail_->data(), tail_->size())) return false;
    hasher.Add(tail_->bytes());
  }
  return hasher.Digest() == header_.checksum || Corrupt(block_at_, "the checksum does not match");
}

bool SnapshotReader::ApplyChunk() {
  ++chunks_;
  flatbuffers::Verifier::Options options;
  // A table takes at least this much, so the limit binds nothing but nonsense.
  options.max_tables = static_cast<flatbuffers::uoffset_t>(table_.size() / 4 + 1);
  const auto* data = reinterpret_cast<const uint8_t*>(table_.data());
  if (table_.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return Corrupt(block_at_, "too large a chunk");
  flatbuffers::Verifier verifier(data, table_.size(), options);
  if (!VerifyChunkBuffer(verifier)) return Corrupt(block_at_, "not a valid chunk");
  const Chunk& chunk = *GetChunk(data);
  if (chunk.records() == nullptr) return Corrupt(block_at_, "a chunk without records");
  if (chunk.database() < 0 || chunk.database() >= ctx_.engine().database_count()) {
    return Fail("the snapshot " + path_ + " has keys in database " +
                std::to_string(chunk.database()) + ", but only " +
                std::to_string(ctx_.engine().database_count()) +
                " databases are configured: start with more databases");
  }
  if (options_.mode == BatchMode::kAlone) return ApplyRecords(chunk);
  while (!ctx_.TryBegin()) std::this_thread::yield();
  const bool applied = ApplyRecords(chunk);
  ctx_.End();
  return applied;
}

bool SnapshotReader::ApplyRecords(const Chunk& chunk) {
  Database& db = ctx_.engine().database(chunk.database());
  // The access word of one policy family means nothing to the other.
  const bool with_access = chunk.lfu() == ctx_.engine().cache().lfu();
  const auto& records = *chunk.records();
  if (tail_ != nullptr && records.size() == 0) return Corrupt(block_at_, "a tail without a key");
  for (flatbuffers::uoffset_t i = 0; i < records.size(); ++i) {
    const bool from_tail = tail_ != nullptr && i + 1 == records.size();
    const Tail in_tail = chunk.tail_is_payload() ? Tail::kPayload : Tail::kString;
    OwnedValue value;
    if (!ReadValue(*records.Get(i), from_tail ? in_tail : Tail::kNone, &value) ||
        !ApplyRecord(db, *records.Get(i), std::move(value), with_access)) {
      return false;
    }
  }
  return true;
}

bool SnapshotReader::ReadValue(const Record& record, Tail tail, OwnedValue* out) {
  const int values = (record.value() != nullptr ? 1 : 0) + (record.payload() != nullptr ? 1 : 0) +
                     (tail != Tail::kNone ? 1 : 0);
  if (record.key() == nullptr || values != 1) {
    return Corrupt(block_at_, "a record without a key or without a value, or with two");
  }
  if (tail == Tail::kString) {
    *out = OwnedValue(Word::Pointer(Kind::kString, tail_.release()));
    return true;
  }
  if (record.value() != nullptr) {
    *out = OwnedValue(MakeString(ToBytes(*record.value()), Word{}));
    return true;
  }
  const Bytes payload = tail == Tail::kPayload ? tail_->bytes() : ToBytes(*record.payload());
  return DecodeValue(payload, options_.limits, out) ||
         Corrupt(block_at_, "a value that is not well-formed");
}

bool SnapshotReader::ApplyRecord(Database& db, const Record& record, OwnedValue value,
                                 bool with_access) {
  const int64_t deadline_ms = record.deadline_ms() == 0 ? kNoDeadline : record.deadline_ms();
  if (deadline_ms <= ctx_.now_ms()) {
    ++result_.expired;
    return true;
  }
  const KeyRef key = KeyRef::Of(ToBytes(*record.key()));
  const Status status = StoreValue(ctx_, db, key, std::move(value), deadline_ms, "restore");
  if (status != Status::kOk) return Fail("the engine refused a key of the snapshot " + path_);
  ++result_.loaded;
  if (!with_access) return true;
  if (Entry* e = db.index().Find(key.bytes, key.hash); e != nullptr)
    e->set_access(record.access() & Entry::kAccessMask);
  return true;
}

bool SnapshotReader::CheckEnd() {
  EndMark end;
  if (table_.size() != sizeof(end) || tail_ != nullptr) {
    return Corrupt(block_at_, "not a valid end mark");
  }
  std::memcpy(&end, table_.data(), sizeof(end));
  if (end.keys != result_.loaded + result_.expired || end.chunks != chunks_) {
    return Corrupt(block_at_, "the number of keys is not the one written");
  }
  return offset_ == size_ || Corrupt(offset_, "there are bytes after the end");
}

bool SnapshotReader::GoesOn() {
  if (options_.key_delay_us > 0) {
    const double due_us = static_cast<double>(result_.loaded) * options_.key_delay_us;
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<int64_t>(due_us) - slept_us_));
    slept_us_ = static_cast<int64_t>(due_us);
  }
  if (options_.progress != nullptr) {
    options_.progress->loaded_bytes.store(offset_, std::memory_order_relaxed);
  }
  if (options_.cancel == nullptr || !options_.cancel->load(std::memory_order_relaxed)) return true;
  result_.cancelled = true;
  return Fail("loading the snapshot " + path_ + " was given up");
}

void SnapshotReader::Run() {
  if (!Open() || !ReadFileHeader()) return;
  while (GoesOn() && ReadBlock()) {
    if (header_.kind == BlockKind::kEnd) {
      // Writes the error, if any.
      (void)CheckEnd();
      return;
    }
    if (!ApplyChunk()) return;
  }
}

}  // namespace

LoadResult LoadSnapshot(OpContext& ctx, const std::string& path, const LoadOptions& options) {
  LoadResult result;
  try {
    const memory::MayFail may_fail;
    SnapshotReader(ctx, path, options, result).Run();
  } catch (const std::bad_alloc&) {
    if (options.mode != BatchMode::kAlone && ctx.in_batch()) ctx.End();
    result.error = "there is no memory for what the snapshot " + path + " holds";
  }
  return result;
}

}  // namespace mantis::persist
