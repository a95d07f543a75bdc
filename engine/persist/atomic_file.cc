#include "engine/persist/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace mantis::persist {

std::string ErrnoText(int error) { return std::system_category().message(error); }

namespace {

constexpr std::string_view kTemporary = ".tmp-";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
}

// The process id at the end of a temporary file's name; 0 if it is not one.
pid_t OwnerOf(std::string_view name, std::string_view base) {
  if (!name.starts_with(base) || !name.substr(base.size()).starts_with(kTemporary)) return 0;
  name.remove_prefix(base.size() + kTemporary.size());
  pid_t owner = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), owner);
  return error == std::errc() && end == name.data() + name.size() && owner > 0 ? owner : 0;
}

bool IsAbandoned(int fd, pid_t owner) {
  // Where there are no locks nothing tells a dead owner from one in another container.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return false;
  return owner == ::getpid() || (::kill(owner, 0) != 0 && errno == ESRCH);
}

}  // namespace

std::vector<std::string> RemoveAbandonedTemporaries(const std::string& path) {
  std::vector<std::string> removed;
  const std::string directory = DirectoryOf(path);
  const std::string base = path.substr(path.rfind('/') + 1);
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const pid_t owner = OwnerOf(name, base);
    if (owner == 0) continue;
    const std::string file = it->path().string();
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1) continue;
    struct stat status {};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && IsAbandoned(fd, owner) && ::unlink(file.c_str()) == 0) removed.push_back(file);
    ::close(fd);
  }
  return removed;
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)),
      temporary_(path_ + std::string(kTemporary) + std::to_string(::getpid())) {}

AtomicFile::~AtomicFile() {
  if (fd_ == -1) return;
  // Locked until it is gone.
  ::unlink(temporary_.c_str());
  ::close(fd_);
}

bool AtomicFile::Fail(const char* what, const std::string& path) {
  error_ = std::string("cannot ") + what + " " + path + ": " + ErrnoText(errno);
  return false;
}

bool AtomicFile::Open() {
  // In a container every process may have the same id, so a left-over of that name is normal.
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd_ == -1) return Fail("create", temporary_);
  if (!Lock()) {
    // It is another's, so it stays.
    ::close(std::exchange(fd_, -1));
    return false;
  }
  return Rewind();
}

bool AtomicFile::Lock() {
  // Where the file system knows no locks, the process id in the name has to do.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return Fail("lock", temporary_);
  }
  // Whoever removes abandoned files may have taken this one for such in between.
  struct stat mine {};
  struct stat named {};
  const bool same = ::fstat(fd_, &mine) == 0 && ::stat(temporary_.c_str(), &named) == 0 &&
                    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
  if (same) return true;
  errno = ESTALE;
  return Fail("lock", temporary_);
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
  const std::string directory = DirectoryOf(path_);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return Fail("open", directory);
  // Some file systems cannot sync a directory and say EINVAL; there the rename has to do.
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL || Fail("sync", directory);
  ::close(fd);
  return synced;
}

}  // namespace mantis::persist
