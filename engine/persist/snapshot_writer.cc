#include <fcntl.h>
#include <flatbuffers/flatbuffers.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "engine/persist/atomic_file.h"
#include "engine/persist/snapshot.h"
#include "engine/persist/snapshot_format.h"
#include "engine/persist/snapshot_generated.h"

namespace mantis::persist {
namespace {

// Bounds of one read section: entries visited, and (with kChunkBytes) bytes copied.
constexpr size_t kSliceEntries = 1000;
// How often swapped databases may make the writing start over.
constexpr int kAttempts = 10;

// A value too large to be copied into a table, kept alive until it is written.
class HeldBlob {
 public:
  HeldBlob() = default;
  ~HeldBlob() { Release(); }
  HeldBlob(const HeldBlob&) = delete;
  HeldBlob& operator=(const HeldBlob&) = delete;

  void Hold(Blob* blob) {
    blob->Ref();
    blob_ = blob;
  }
  void Release() {
    if (blob_ != nullptr) blob_->Unref();
    blob_ = nullptr;
  }
  bool held() const { return blob_ != nullptr; }
  Bytes bytes() const { return held() ? blob_->bytes() : Bytes(); }

 private:
  Blob* blob_ = nullptr;
};

class SnapshotWriter {
 public:
  SnapshotWriter(OpContext& ctx, AtomicFile& file, WriteMode mode, const std::atomic<bool>* cancel)
      : ctx_(ctx), file_(file), mode_(mode), cancel_(cancel) {}

  enum class Step : uint8_t { kDone, kFailed, kCancelled, kSwapped };

  Step WriteAll();
  uint64_t keys() const { return end_.keys; }
  // Empty if the file failed, which then knows why.
  const std::string& error() const { return error_; }

 private:
  // Enters a batch; false when cancelled.
  bool Begin();
  void End() {
    if (mode_ == WriteMode::kSlices) ctx_.End();
  }
  Step WriteDatabase(int index);
  // Copies entries after `position_` into the chunk. True: there are none left.
  bool Gather(Database& db);
  void Add(const Entry& e, const Current& content);
  bool FlushChunk(int index);
  bool WriteBlock(BlockKind kind, Bytes table, Bytes tail);

  // What has become of the database that was number `index` when the writing began.
  enum class Fate : uint8_t { kInPlace, kFlushed, kMoved };
  Fate FateOf(int index) const;

  OpContext& ctx_;
  AtomicFile& file_;
  const WriteMode mode_;
  const std::atomic<bool>* const cancel_;
  std::vector<const Database*> databases_;  // as numbered at the beginning; never dereferenced
  flatbuffers::FlatBufferBuilder builder_{kChunkBytes + kTailBytesMin};
  std::vector<flatbuffers::Offset<Record>> records_;
  HeldBlob tail_;
  std::string position_;  // the last key visited
  bool started_ = false;  // position_ is set
  EndMark end_;
  std::string error_;
};

bool SnapshotWriter::Begin() {
  if (mode_ == WriteMode::kAlone) return true;
  while (cancel_ == nullptr || !cancel_->load(std::memory_order_relaxed)) {
    if (ctx_.TryBegin()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
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
  const FileHeader header;
  if (!file_.Write({reinterpret_cast<const char*>(&header), sizeof(header)})) return Step::kFailed;
  if (!Begin()) return Step::kCancelled;
  for (int i = 0; i < ctx_.engine().database_count(); ++i) {
    databases_.push_back(&ctx_.engine().database(i));
  }
  End();
  for (int i = 0; i < ctx_.engine().database_count(); ++i) {
    const Step step = WriteDatabase(i);
    if (step != Step::kDone) return step;
  }
  const EndMark end = end_;
  const bool written =
      WriteBlock(BlockKind::kEnd, {reinterpret_cast<const char*>(&end), sizeof(end)}, {});
  return written ? Step::kDone : Step::kFailed;
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
    finished = fate != Fate::kInPlace || Gather(ctx_.engine().database(index));
    End();
    if (!error_.empty()) return Step::kFailed;
    if (fate == Fate::kMoved) return Step::kSwapped;
    const bool full = builder_.GetSize() >= kChunkBytes || tail_.held();
    if ((full || finished) && !records_.empty() && !FlushChunk(index)) return Step::kFailed;
  }
  return Step::kDone;
}

bool SnapshotWriter::Gather(Database& db) {
  const RangeBound min = started_ ? RangeBound::Excluding(position_) : RangeBound::None();
  size_t visited = 0;
  const Entry* last = nullptr;
  bool stopped = false;
  db.ordered().Scan(min, RangeBound::None(), [&](std::span<Entry* const> run) {
    for (const Entry* e : run) {
      last = e;
      // A lock does not matter: values are immutable, so the word is the key's present content
      // until whoever holds the lock commits.
      const Current content = Resolve(e->word());
      if (content.exists() && content.deadline_ms > ctx_.now_ms()) Add(*e, content);
      stopped = ++visited >= kSliceEntries || builder_.GetSize() >= kChunkBytes || tail_.held() ||
                !error_.empty();
      if (stopped) return false;
    }
    return true;
  });
  if (stopped) {
    // The bound refers to position_, so the new one must not be built in its place.
    std::string next(last->key());
    position_ = std::move(next);
    started_ = true;
  }
  return !stopped;
}

void SnapshotWriter::Add(const Entry& e, const Current& content) {
  const Bytes key = e.key();
  if (key.size() > kKeyBytesMax) {
    error_ = "a key of " + std::to_string(key.size()) + " bytes is too long for a snapshot";
    return;
  }
  const auto bytes = [this](Bytes b) {
    return builder_.CreateVector(reinterpret_cast<const uint8_t*>(b.data()), b.size());
  };
  const auto key_offset = bytes(key);
  const StringRef text(content.value);
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> value_offset;
  if (!text.is_integer() && text.size() >= kTailBytesMin) {
    tail_.Hold(text.blob());
  } else {
    char digits[24];
    value_offset = bytes(text.Text(std::span<char, 24>(digits)));
  }
  const int64_t deadline_ms = content.has_deadline() ? content.deadline_ms : 0;
  records_.push_back(CreateRecord(builder_, key_offset, value_offset, deadline_ms, e.access()));
  ++end_.keys;
}

bool SnapshotWriter::FlushChunk(int index) {
  const auto records = builder_.CreateVector(records_);
  builder_.Finish(CreateChunk(builder_, index, ctx_.engine().cache().lfu(), records));
  const Bytes table{reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  ++end_.chunks;
  const bool written = WriteBlock(BlockKind::kChunk, table, tail_.bytes());
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

bool SnapshotWriter::WriteBlock(BlockKind kind, Bytes table, Bytes tail) {
  BlockHeader header;
  header.kind = kind;
  header.stored_size = header.table_size = static_cast<uint32_t>(table.size());
  header.tail_size = tail.size();
  BlockHasher hasher(header, file_.size());
  hasher.Add(table);
  hasher.Add(tail);
  header.checksum = hasher.Digest();
  return file_.Write({reinterpret_cast<const char*>(&header), sizeof(header)}) &&
         file_.Write(table) && file_.Write(tail);
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

}  // namespace

SaveResult WriteSnapshot(OpContext& ctx, const std::string& path, WriteMode mode,
                         const std::atomic<bool>* cancel) {
  using Step = SnapshotWriter::Step;
  SaveResult result;
  if (IsForeignFile(path)) {
    result.error = path + " is not a snapshot of MantisDB and is not overwritten";
    return result;
  }
  AtomicFile file(path);
  if (!file.Open()) {
    result.error = file.error();
    return result;
  }
  SnapshotWriter writer(ctx, file, mode, cancel);
  Step step = writer.WriteAll();
  for (int i = 1; i < kAttempts && step == Step::kSwapped; ++i) {
    step = file.Rewind() ? writer.WriteAll() : Step::kFailed;
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

}  // namespace mantis::persist
