#include "server/core/start_checks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace mantis::server {
namespace {

using Problem = std::optional<std::string>;

std::string ErrorText(int error) { return std::generic_category().message(error); }

// The errno of going there, 0 if that is possible.
int EnterError(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return errno;
  ::close(fd);
  return ::faccessat(AT_FDCWD, directory.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// The errno of creating a file there, 0 if that is possible. By trying, as permissions do not tell
// of read-only mounts and the like; mostly without a name, so that nobody sees it.
int CreateError(const std::string& directory) {
  int fd = ::open(directory.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
  if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT)) {
    const std::string path = fmt::format("{}/.mantisd-probe-{}", directory, ::getpid());
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd != -1) ::unlink(path.c_str());
  }
  if (fd == -1) return errno;
  ::close(fd);
  return 0;
}

// A full disk may have room again when there is something to save.
bool MayPass(int error) { return error == ENOSPC || error == EDQUOT; }

Problem CheckDirectory(const config::Settings& settings) {
  if (const int error = EnterError(settings.dir)) {
    return fmt::format("Can't chdir to '{}': {}", settings.dir, ErrorText(error));
  }
  // Without save points nothing is written unless somebody asks for it.
  if (settings.save.empty()) return std::nullopt;
  const int error = CreateError(settings.dir);
  if (error == 0 || MayPass(error)) return std::nullopt;
  return fmt::format(
      "Can't write to dir '{}': {}. Save points are set, so snapshots have to go there; to run "
      "without them, set save \"\"",
      settings.dir, ErrorText(error));
}

Problem CheckSnapshot(const config::Settings& settings) {
  if (settings.dbfilename.empty()) return std::nullopt;
  const std::string path = settings.dir + "/" + settings.dbfilename;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return fmt::format("Can't look at the snapshot '{}': {}", path, ErrorText(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fmt::format("Can't load the snapshot '{}': {}; choose another dbfilename", path,
                       ErrorText(EISDIR));
  }
  if (!S_ISREG(status.st_mode)) {
    return fmt::format("Can't load the snapshot '{}': not a regular file", path);
  }
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
    return fmt::format("Can't read the snapshot '{}': {}", path, ErrorText(errno));
  }
  return std::nullopt;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Problem CheckLogFile(const config::Settings& settings) {
  const std::string& path = settings.logfile;
  if (path.empty()) return std::nullopt;
  struct stat status {};
  int error = 0;
  if (::stat(path.c_str(), &status) == 0) {
    error = S_ISDIR(status.st_mode)                                      ? EISDIR
            : ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0 ? 0
                                                                         : errno;
  } else {
    error = errno == ENOENT ? CreateError(ParentOf(path)) : errno;
  }
  if (error == 0 || MayPass(error)) return std::nullopt;
  return fmt::format("Can't open the log file '{}': {}", path, ErrorText(error));
}

Problem CheckUnixSocket(const config::Settings& settings) {
  const std::string& path = settings.unixsocket;
  if (path.empty()) return std::nullopt;
  if (const int error = EnterError(ParentOf(path))) {
    return fmt::format("Failed opening Unix socket '{}': {}", path, ErrorText(error));
  }
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISSOCK(status.st_mode)) return std::nullopt;
  return fmt::format("Failed opening Unix socket '{}': a file of that name exists and is no socket",
                     path);
}

}  // namespace

std::vector<std::string> FindFileProblems(const config::Settings& settings) {
  std::vector<std::string> problems;
  for (const auto check : {CheckDirectory, CheckSnapshot, CheckLogFile, CheckUnixSocket}) {
    if (Problem problem = check(settings)) problems.push_back(std::move(*problem));
    // Without the directory nothing in it can be looked at.
    if (!problems.empty() && check == CheckDirectory) break;
  }
  return problems;
}

std::vector<std::string> FindForeignData(const config::Settings& settings) {
  std::vector<std::string> found;
  for (const std::string name : {"dump.rdb", "appendonlydir", "appendonly.aof"}) {
    const std::string path = settings.dir + "/" + name;
    if (name == settings.dbfilename || ::access(path.c_str(), F_OK) != 0) continue;
    found.push_back(fmt::format(
        "'{}' holds data of Redis, which is not loaded: MantisDB reads and writes {} in '{}'", path,
        settings.dbfilename, settings.dir));
  }
  return found;
}

}  // namespace mantis::server
