// Snapshots: all keys of all databases in one file, and back.
//
// What a snapshot holds. Written alone (under the global gate) or while nobody changes anything,
// it is the exact state of one instant. Written in slices while others go on, it holds every key
// that exists during the whole of the writing, each with a value and deadline that belong
// together and that it had at some moment meanwhile; different keys may be of different moments,
// so what was written to several keys at once may be in the file in part. A database that is
// flushed meanwhile may be in it with some of its former keys. When databases are swapped
// meanwhile the writing starts over, so keys never end up in the wrong database.
// Expired keys are left out.
//
// Files. The snapshot is written beside its final name (path + ".tmp-" + process id), forced to
// the disk and renamed, so that the file of that name is at any time the old one or the new one,
// whole. A temporary file that a crash left behind is never read; RemoveAbandonedTemporaries
// (atomic_file.h) deletes it. A file that is no snapshot is neither loaded nor replaced.
//
// Thread safety: an engine may be saved by several threads at once, each with an own OpContext,
// but not to the same path. Loading may run beside others, which find the keys read until then.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "engine/keyspace/engine.h"
#include "engine/value/limits.h"

namespace mantis::persist {

enum class BatchMode : uint8_t {
  kAlone,  // the context has the gate; the batch is not left
  // The context is in no batch. Many are taken, none during I/O; each is a long batch
  // (op_context.h) and takes as long as copying a thousand small values, or one large one.
  kSlices,
};

struct [[nodiscard]] SaveResult {
  std::string error;  // empty: saved; else what went wrong, and the old file is untouched
  bool cancelled = false;
  uint64_t keys = 0;
  uint64_t bytes = 0;
};

struct SaveOptions {
  BatchMode mode = BatchMode::kSlices;
  // Looked at between slices: when it turns true, the writing is given up.
  const std::atomic<bool>* cancel = nullptr;
  // Where to count the keys as they are written; others may read it.
  std::atomic<uint64_t>* keys = nullptr;
};

SaveResult WriteSnapshot(OpContext& ctx, const std::string& path, const SaveOptions& options);

// The snapshot of an engine without keys. Needs no engine, and waits for the disk only.
SaveResult WriteEmptySnapshot(const std::string& path);

struct [[nodiscard]] LoadResult {
  std::string error;   // names the file, and the byte at which it is wrong
  bool found = false;  // no file is no error
  uint64_t loaded = 0;
  uint64_t expired = 0;    // keys left out because their deadline has passed
  bool cancelled = false;  // `error` is set as well
};

// How far loading has come; written by the loading thread, read by any.
struct LoadProgress {
  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> loaded_bytes{0};
};

struct LoadOptions {
  // What says in which form values are kept.
  ValueLimits limits = {};
  BatchMode mode = BatchMode::kSlices;
  // Looked at between blocks: when it turns true, the loading is given up.
  const std::atomic<bool>* cancel = nullptr;
  LoadProgress* progress = nullptr;
  // How long to wait after each key on an average; for tests.
  double key_delay_us = 0;
};

// Keys that are there already are replaced. After an error the engine holds what was read until
// then.
LoadResult LoadSnapshot(OpContext& ctx, const std::string& path, const LoadOptions& options = {});

}  // namespace mantis::persist
