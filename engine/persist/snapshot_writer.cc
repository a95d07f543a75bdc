#include <fcntl.h>
#include <flatbuffers/flatbuffers.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/persist/atomic_file.h"
#include "engine/persist/rdb_value.h"
#include "engine/persist/snapshot.h"
#include "engine/persist/snapshot_format.h"
#include "engine/persist/snapshot_generated.h"

namespace mantis::persist {
namespace {

// Bounds of one read section: entries visited, and (with kChunkBytes) bytes copied. A value of more
// elements is copied outside of the section, under its key's lock.
constexpr size_t kSliceEntries = 1000;
// How often swapped databases may make the writing start over.
constexpr int kAttempts = 10;
// How long a value that somebody changes is left alone.
constexpr std::chrono::milliseconds kBusyDelay{1};

// A value too large to be copied into a table, kept until it is written: a string that is shared
// with the keyspace, or bytes of its own.
class HeldValue {
 public:
  HeldValue() = default;
  ~HeldValue() { Release(); }
  HeldValue(const HeldValue&) = delete;
  HeldValue& operator=(const HeldValue&) = delete;

  void Hold(Blob* blob) {
    blob->Ref();
    blob_ = blob;
  }
  void Hold(std::string bytes, bool is_payload) {
    bytes_ = std::move(bytes);
    is_payload_ = is_payload;
  }
  void Release() {
    if (blob_ != nullptr) blob_->Unref();
    blob_ = nullptr;
    bytes_ = {};
    is_payload_ = false;
  }
  bool held() const { return blob_ != nullptr || !bytes_.empty(); }
  bool is_payload() const { return is_payload_; }
  Bytes bytes() const { return blob_ != nullptr ? blob_->bytes() : Bytes(bytes_); }

 private:
  Blob* blob_ = nullptr;
  std::string bytes_;
  bool is_payload_ = false;
};

using Offset = flatbuffers::Offset<flatbuffers::Vector<uint8_t>>;

bool WriteHeader(AtomicFile& file) {
  const FileHeader header;
  return file.Write({reinterpret_cast<const char*>(&header), sizeof(header)});
}

bool WriteBlock(AtomicFile& file, BlockKind kind, Bytes table, Bytes tail) {
  BlockHeader header;
  header.kind = kind;
  header.stored_size = header.table_size = static_cast<uint32_t>(table.size());
  header.tail_size = tail.size();
  BlockHasher hasher(header, file.size());
  hasher.Add(table);
  hasher.Add(tail);
  header.checksum = hasher.Digest();
  return file.Write({reinterpret_cast<const char*>(&header), sizeof(header)}) &&
         file.Write(table) && file.Write(tail);
}

bool WriteEnd(AtomicFile& file, const EndMark& end) {
  return WriteBlock(file, BlockKind::kEnd, {reinterpret_cast<const char*>(&end), sizeof(end)}, {});
}

class SnapshotWriter {
 public:
  SnapshotWriter(OpContext& ctx, AtomicFile& file, const SaveOptions& options)
      : ctx_(ctx), file_(file), options_(options) {}

  enum class Step : uint8_t { kDone, kFailed, kCancelled, kSwapped };

  Step WriteAll();
  uint64_t keys() const { return end_.keys; }
  // Empty if the file failed, which then knows why.
  const std::string& error() const { return error_; }

 private:
  // Enters a batch; false when cancelled.
  bool Begin();
  void End();
  bool cancelled() const {
    return options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
  }
  Step WriteDatabase(int index);
  // Copies entries after `position_` into the chunk.
  enum class Gathered : uint8_t {
    kAll,    // there are none left
    kSlice,  // enough for one read section
    kBusy,   // the next one is locked
    kLarge,  // the next one is to be copied outside of the section
  };
  Gathered Gather(Database& db);
  // kAll if it was added or is not to be in the snapshot, kBusy, or kLarge.
  Gathered AddEntry(Database& db, Entry* e);
  // The same for one that takes long, outside of any scan.
  Gathered AddLarge(Database& db, Entry* e);
  void AddString(const Entry& e, const Current& content);
  // A value that changes in place, whose lock is held, into encoded_.
  void Encode(const Current& content);
  void AddEncoded(const Entry& e);
  void AddRecord(const Entry& e, int64_t deadline_ms, Offset value, Offset payload);
  Offset Copy(Bytes bytes) {
    return builder_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  bool FlushChunk(int index);

  // What has become of the database that was number `index` when the writing began.
  enum class Fate : uint8_t { kInPlace, kFlushed, kMoved };
  Fate FateOf(int index) const;

  OpContext& ctx_;
  AtomicFile& file_;
  const SaveOptions& options_;
  std::vector<const Database*> databases_;  // as numbered at the beginning; never dereferenced
  flatbuffers::FlatBufferBuilder builder_{kChunkBytes + kTailBytesMin};
  std::vector<flatbuffers::Offset<Record>> records_;
  HeldValue tail_;
  // The value at hand, where that had to be copied under its entry's lock.
  struct {
    std::string bytes;
    bool is_payload = false;
    int64_t deadline_ms = kNoDeadline;
  } encoded_;
  std::string position_;  // the last key visited
  bool started_ = false;  // position_ is set
  EndMark end_;
  std::string error_;
};

bool SnapshotWriter::Begin() {
  if (options_.mode == BatchMode::kAlone) return true;
  while (!cancelled()) {
    if (ctx_.BeginLong(options_.cancel)) return true;
  }
  return false;
}

void SnapshotWriter::End() {
  if (options_.mode == BatchMode::kAlone) return;
  ctx_.End();
}

SnapshotWriter::Fate SnapshotWriter::FateOf(int index) const {
  const Database* const db = databases_[static_cast<size_t>(index)];
  Engine& engine = ctx_.engine();
  if (&engine.database(index) == db) return Fate::kInPlace;
  for (int i = 0; i < engine.database_count(); ++i) {
    // The memory of a flushed database may have become another one. Starting over is right then,
    // too, only not needed.
    if (&engine.database(i) == db) return Fate::kMoved;
  }
  return Fate::kFlushed;
}

SnapshotWriter::Step SnapshotWriter::WriteAll() {
  end_ = EndMark{};
  databases_.clear();
  if (!WriteHeader(file_)) return Step::kFailed;
  if (!Begin()) return Step::kCancelled;
  for (int i = 0; i < ctx_.engine().database_count(); ++i) {
    databases_.push_back(&ctx_.engine().database(i));
  }
  End();
  for (int i = 0; i < ctx_.engine().database_count(); ++i) {
    const Step step = WriteDatabase(i);
    if (step != Step::kDone) return step;
  }
  return WriteEnd(file_, end_) ? Step::kDone : Step::kFailed;
}

SnapshotWriter::Step SnapshotWriter::WriteDatabase(int index) {
  position_.clear();
  started_ = false;
  builder_.Clear();
  records_.clear();
  bool finished = false;
  while (!finished) {
    if (!Begin()) return Step::kCancelled;
    const Fate fate = FateOf(index);
    const Gathered gathered =
        fate == Fate::kInPlace ? Gather(ctx_.engine().database(index)) : Gathered::kAll;
    finished = gathered == Gathered::kAll;
    End();
    if (!error_.empty()) return Step::kFailed;
    if (fate == Fate::kMoved) return Step::kSwapped;
    const bool full = builder_.GetSize() >= kChunkBytes || tail_.held();
    if ((full || finished) && !records_.empty() && !FlushChunk(index)) return Step::kFailed;
    if (gathered == Gathered::kBusy) std::this_thread::sleep_for(kBusyDelay);
  }
  return Step::kDone;
}

SnapshotWriter::Gathered SnapshotWriter::Gather(Database& db) {
  const RangeBound min = started_ ? RangeBound::Excluding(position_) : RangeBound::None();
  size_t visited = 0;
  const Entry* last = nullptr;
  Entry* large = nullptr;
  Gathered gathered = Gathered::kAll;
  db.ordered().Scan(min, RangeBound::None(), [&](std::span<Entry* const> run) {
    for (Entry* e : run) {
      gathered = AddEntry(db, e);
      if (gathered != Gathered::kAll) {
        large = e;
        return false;
      }
      last = e;
      if (++visited >= kSliceEntries || builder_.GetSize() >= kChunkBytes || tail_.held() ||
          !error_.empty()) {
        gathered = Gathered::kSlice;
        return false;
      }
    }
    return true;
  });
  if (gathered == Gathered::kLarge) {
    gathered = AddLarge(db, large);
    if (gathered == Gathered::kSlice) last = large;
  }
  if (gathered != Gathered::kAll && last != nullptr) {
    // The bound refers to position_, so the new one must not be built in its place.
    std::string next(last->key());
    position_ = std::move(next);
    started_ = true;
  }
  return gathered;
}

SnapshotWriter::Gathered SnapshotWriter::AddEntry(Database& db, Entry* e) {
  const Current content = Resolve(e->word());
  if (!content.exists() || content.deadline_ms <= ctx_.now_ms()) return Gathered::kAll;
  if (e->key().size() > kKeyBytesMax) {
    error_ = "a key of " + std::to_string(e->key().size()) + " bytes is too long for a snapshot";
    return Gathered::kAll;
  }
  if (!content.value.is_object()) {
    // A lock does not matter: the value is immutable, so the word is the key's present content
    // until whoever holds the lock commits.
    AddString(*e, content);
    return Gathered::kAll;
  }
  encoded_.bytes.clear();
  const Status s = db.ReadEntry(ctx_, e, [this](const Current& now) {
    if (now.value.is_object() && ObjectOf(now.value)->size() > kSliceEntries) {
      return Status::kTooLong;
    }
    Encode(now);
    return Status::kOk;
  });
  if (s == Status::kOk) AddEncoded(*e);
  if (s == Status::kTooLong) return Gathered::kLarge;
  return s == Status::kBusy ? Gathered::kBusy : Gathered::kAll;
}

SnapshotWriter::Gathered SnapshotWriter::AddLarge(Database& db, Entry* e) {
  const Status s = db.ReadEntryOutside(ctx_, e, [this](const Current& now) {
    Encode(now);
    return Status::kOk;
  });
  if (s == Status::kOk) AddEncoded(*e);
  return s == Status::kBusy ? Gathered::kBusy : Gathered::kSlice;
}

void SnapshotWriter::AddString(const Entry& e, const Current& content) {
  const StringRef text(content.value);
  Offset value;
  if (!text.is_integer() && text.size() >= kTailBytesMin) {
    tail_.Hold(text.blob());
  } else {
    char digits[24];
    value = Copy(text.Text(std::span<char, 24>(digits)));
  }
  AddRecord(e, content.deadline_ms, value, {});
}

void SnapshotWriter::Encode(const Current& content) {
  encoded_.deadline_ms = content.deadline_ms;
  encoded_.is_payload = content.type() != ValueType::kString;
  if (encoded_.is_payload) {
    // The version is that of the snapshot: what reads that knows all forms.
    RdbWriter out(&encoded_.bytes, RdbWriter::Compression::kNone, kRdbVersionReadMax);
    (void)EncodeValue(content.value, out);
  } else {
    char digits[24];
    encoded_.bytes = StringRef(content.value).Text(std::span<char, 24>(digits));
  }
}

void SnapshotWriter::AddEncoded(const Entry& e) {
  Offset value;
  Offset payload;
  if (encoded_.bytes.size() >= kTailBytesMin) {
    tail_.Hold(std::move(encoded_.bytes), encoded_.is_payload);
    encoded_.bytes = {};
  } else {
    (encoded_.is_payload ? payload : value) = Copy(encoded_.bytes);
  }
  AddRecord(e, encoded_.deadline_ms, value, payload);
}

void SnapshotWriter::AddRecord(const Entry& e, int64_t deadline_ms, Offset value, Offset payload) {
  const Offset key = Copy(e.key());
  records_.push_back(CreateRecord(
      builder_, key, value, deadline_ms == kNoDeadline ? 0 : deadline_ms, e.access(), payload));
  ++end_.keys;
  // Relaxed: progress for whoever looks.
  if (options_.keys != nullptr) options_.keys->store(end_.keys, std::memory_order_relaxed);
}

bool SnapshotWriter::FlushChunk(int index) {
  const auto records = builder_.CreateVector(records_);
  builder_.Finish(
      CreateChunk(builder_, index, ctx_.engine().cache().lfu(), records, tail_.is_payload()));
  const Bytes table{reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  ++end_.chunks;
  const bool written = WriteBlock(file_, BlockKind::kChunk, table, tail_.bytes());
  tail_.Release();
  records_.clear();
  // A long key may have made the buffer grow far beyond its usual size.
  if (table.size() > 4 * kChunkBytes) {
    builder_.Reset();
  } else {
    builder_.Clear();
  }
  return written;
}

// True if `path` is a file with content that is not the beginning of a snapshot.
bool IsForeignFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1) return false;
  std::array<char, kMagic.size()> begin{};
  const ssize_t n = ::read(fd, begin.data(), begin.size());
  ::close(fd);
  return n > 0 && (static_cast<size_t>(n) < begin.size() || begin != kMagic);
}

// False: the result says why.
bool Open(AtomicFile& file, const std::string& path, SaveResult& result) {
  if (IsForeignFile(path)) {
    result.error = path + " is not a snapshot of MantisDB and is not overwritten";
  } else if (!file.Open()) {
    result.error = file.error();
  }
  return result.error.empty();
}

}  // namespace

SaveResult WriteSnapshot(OpContext& ctx, const std::string& path, const SaveOptions& options) {
  using Step = SnapshotWriter::Step;
  SaveResult result;
  AtomicFile file(path);
  if (!Open(file, path, result)) return result;
  SnapshotWriter writer(ctx, file, options);
  Step step = Step::kFailed;
  try {
    const memory::MayFail may_fail;
    step = writer.WriteAll();
    for (int i = 1; i < kAttempts && step == Step::kSwapped; ++i) {
      step = file.Rewind() ? writer.WriteAll() : Step::kFailed;
    }
  } catch (const std::bad_alloc&) {
    if (options.mode != BatchMode::kAlone && ctx.in_batch()) ctx.End();
    result.error = "no memory for a copy of a value";
    return result;
  }
  if (step == Step::kDone && !file.Commit()) step = Step::kFailed;
  if (step == Step::kFailed) {
    result.error = writer.error().empty() ? file.error() : writer.error();
  } else if (step == Step::kSwapped) {
    result.error = "databases are swapped too often to save them meanwhile";
  } else if (step == Step::kCancelled) {
    result.error = "the save was given up";
    result.cancelled = true;
  }
  result.keys = writer.keys();
  result.bytes = file.size();
  return result;
}

SaveResult WriteEmptySnapshot(const std::string& path) {
  SaveResult result;
  AtomicFile file(path);
  if (!Open(file, path, result)) return result;
  if (!WriteHeader(file) || !WriteEnd(file, EndMark{}) || !file.Commit()) {
    result.error = file.error();
  }
  result.bytes = file.size();
  return result;
}

}  // namespace mantis::persist
