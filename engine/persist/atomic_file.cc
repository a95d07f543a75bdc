#include "engine/persist/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace mantis::persist {

std::string ErrnoText(int error) { return std::system_category().message(error); }

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(path_ + ".tmp-" + std::to_string(::getpid())) {}

AtomicFile::~AtomicFile() {
  if (fd_ == -1) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

bool AtomicFile::Fail(const char* what, const std::string& path) {
  error_ = std::string("cannot ") + what + " " + path + ": " + ErrnoText(errno);
  return false;
}

bool AtomicFile::Open() {
  // In a container every process may have the same id, so a left-over of that name is normal.
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  return fd_ != -1 || Fail("create", temporary_);
}

bool AtomicFile::Write(Bytes data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd_, data.data(), data.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Fail("write", temporary_);
    }
    data.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
  return true;
}

bool AtomicFile::Rewind() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return Fail("rewind", temporary_);
  size_ = 0;
  error_.clear();
  return true;
}

bool AtomicFile::Commit() {
  if (::fsync(fd_) != 0) return Fail("sync", temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return Fail("replace", path_);
  ::close(fd_);
  fd_ = -1;
  return SyncDirectory();
}

bool AtomicFile::SyncDirectory() {
  const size_t slash = path_.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path_.substr(0, slash == 0 ? 1 : slash);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return Fail("open", directory);
  // Some file systems cannot sync a directory and say EINVAL; there the rename has to do.
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL || Fail("sync", directory);
  ::close(fd);
  return synced;
}

}  // namespace mantis::persist
