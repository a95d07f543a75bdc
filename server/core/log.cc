#include "server/core/log.h"

#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "engine/base/memory.h"

namespace mantis::server {
namespace {

constexpr size_t kQueuedMessages = 1024;

struct Log {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

// Set by OpenLog before threads start, reset by CloseLog after they ended.
Log& TheLog() {
  static Log log;
  return log;
}
std::atomic<spdlog::level::level_enum> threshold{spdlog::level::off};

// Redis marks levels with one character each.
class LevelMark : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    switch (message.level) {
      case spdlog::level::trace:
        return out.push_back('.');
      case spdlog::level::debug:
        return out.push_back('-');
      case spdlog::level::info:
        return out.push_back('*');
      default:
        return out.push_back('#');
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelMark>();
  }
};

spdlog::level::level_enum LevelOf(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug:
      return spdlog::level::trace;
    case config::LogLevel::kVerbose:
      return spdlog::level::debug;
    case config::LogLevel::kNotice:
      return spdlog::level::info;
    case config::LogLevel::kWarning:
      return spdlog::level::warn;
    case config::LogLevel::kNothing:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::atomic<bool> reopen_wanted{false};

// Appends to a file that may be renamed or deleted under it, by logrotate mostly: the next message
// then goes to a new file of the old name. While none can be made it goes to the old one.
class RotatedFileSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit RotatedFileSink(std::string path) : path_(std::move(path)) {
    if (Reopen()) return;
    throw spdlog::spdlog_ex(path_, errno);
  }
  ~RotatedFileSink() override { ::close(fd_); }
  RotatedFileSink(const RotatedFileSink&) = delete;
  RotatedFileSink& operator=(const RotatedFileSink&) = delete;

 protected:
  // On the log's own thread, the only one that uses a sink.
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (reopen_wanted.exchange(false) || Moved()) (void)Reopen();
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view rest(line.data(), line.size());
    while (!rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno != EINTR) return;  // a full disk: the message is lost
      rest.remove_prefix(n < 0 ? 0 : static_cast<size_t>(n));
    }
  }
  void flush_() override {}

 private:
  bool Moved() const {
    struct stat named {};
    return ::stat(path_.c_str(), &named) != 0 || named.st_ino != inode_ || named.st_dev != device_;
  }
  bool Reopen() {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1) return false;
    if (fd_ != -1) ::close(fd_);
    fd_ = fd;
    struct stat status {};
    (void)::fstat(fd_, &status);
    inode_ = status.st_ino;
    device_ = status.st_dev;
    return true;
  }

  const std::string path_;
  int fd_ = -1;
  ino_t inode_ = 0;
  dev_t device_ = 0;
};

void Write(config::LogLevel level, std::string_view text) {
  if (!LogEnabled(level)) return;
  TheLog().logger->log(LevelOf(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace

std::optional<std::string> OpenLog(const std::string& file, config::LogLevel level) {
  spdlog::sink_ptr sink;
  try {
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<RotatedFileSink>(file);
    }
  } catch (const spdlog::spdlog_ex& e) {
    return "Can't open the log file: " + std::string(e.what());
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelMark>('*').set_pattern("%P:M %d %b %Y %H:%M:%S.%e %* %v");
  Log& log = TheLog();
  const memory::FixedScope fixed;
  log.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedMessages, 1);
  log.logger = std::make_shared<spdlog::async_logger>(
      "mantisd", std::move(sink), log.pool, spdlog::async_overflow_policy::overrun_oldest);
  log.logger->set_formatter(std::move(formatter));
  log.logger->set_level(spdlog::level::trace);
  log.logger->flush_on(spdlog::level::trace);
  SetLogLevel(level);
  return std::nullopt;
}

void ReopenLog() { reopen_wanted.store(true); }

void SetLogLevel(config::LogLevel level) {
  threshold.store(LevelOf(level), std::memory_order_relaxed);
}

void CloseLog() {
  threshold.store(spdlog::level::off, std::memory_order_relaxed);
  Log& log = TheLog();
  log.pool.reset();  // joins the thread after the queue was written
  log.logger.reset();
}

bool LogEnabled(config::LogLevel level) {
  // Relaxed: a level that changes takes effect a moment later elsewhere.
  return LevelOf(level) >= threshold.load(std::memory_order_relaxed);
}

void LogDebug(std::string_view text) { Write(config::LogLevel::kDebug, text); }
void LogVerbose(std::string_view text) { Write(config::LogLevel::kVerbose, text); }
void LogNotice(std::string_view text) { Write(config::LogLevel::kNotice, text); }
void LogWarning(std::string_view text) { Write(config::LogLevel::kWarning, text); }

}  // namespace mantis::server
