// The server's log: levels and line format as Redis has them, written by a background thread.
//
// Thread safety: all functions from any thread. A message is queued and never waited for; when the
// queue is full the oldest message is dropped, so logging cannot block an event loop.
// Before OpenLog() messages are dropped. The header stays light on purpose: callers build their
// text with fmt in .cc files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace mantis::server {

// Logs to `file`, or to standard error if it is empty. Returns what is wrong, or nothing.
[[nodiscard]] std::optional<std::string> OpenLog(const std::string& file, config::LogLevel level);
// Takes up a new file of the log file's name before the next message, as log rotation wants it.
// Without this call that happens as well, once the old file has been renamed or deleted.
void ReopenLog();
void SetLogLevel(config::LogLevel level);
// Writes what is queued and ends the background thread. No other thread may be logging.
void CloseLog();

[[nodiscard]] bool LogEnabled(config::LogLevel level);
void LogDebug(std::string_view text);
void LogVerbose(std::string_view text);
void LogNotice(std::string_view text);
void LogWarning(std::string_view text);

}  // namespace mantis::server
