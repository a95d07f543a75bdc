// A file that appears under its name whole or not at all.
//
// Thread safety: one thread at a time. Two writers of the same path in one process, or in two of
// the same id (containers that share a folder), would share their temporary file: it is locked
// (flock), and the second one fails.
// Ownership: owns the descriptor and the temporary file, which is removed unless committed. One
// whose process was killed stays until RemoveAbandonedTemporaries.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace mantis::persist {

// "No space left on device" and the like, for the errno given.
[[nodiscard]] std::string ErrnoText(int error);

// Deletes the temporary files that ended processes have left beside `path`; those of running ones,
// on this host or elsewhere, stay. Returns the paths of what was deleted. To be called by a process
// that writes nothing to `path` yet.
std::vector<std::string> RemoveAbandonedTemporaries(const std::string& path);

class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Each returns false on failure; error() then says why, and nothing more can be done but Rewind
  // or giving up.
  [[nodiscard]] bool Open();
  [[nodiscard]] bool Write(Bytes data);
  // Drops what was written, to write anew.
  [[nodiscard]] bool Rewind();
  // Forces the content to the disk, then gives the file its name, then forces that to the disk.
  [[nodiscard]] bool Commit();

  uint64_t size() const { return size_; }
  const std::string& error() const { return error_; }

 private:
  bool Fail(const char* what, const std::string& path);
  [[nodiscard]] bool Lock();
  [[nodiscard]] bool SyncDirectory();

  const std::string path_;
  const std::string temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string error_;
};

}  // namespace mantis::persist
