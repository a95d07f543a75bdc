// What belongs to the process as a whole: signals, the limit of open files, the pid file.
//
// Thread safety: called by the main thread, before other threads start unless it says otherwise.
#pragma once

#include <optional>
#include <string>

namespace mantis::server {

// Ignores SIGPIPE and SIGXFSZ, and blocks SIGTERM, SIGINT and SIGHUP in this thread and those it
// starts, to be taken with WaitForSignal().
void SetUpSignals();
// Waits for SIGTERM, SIGINT or SIGHUP and returns it; 0 when it was woken, or after `timeout_s`.
int WaitForSignal(int timeout_s);
// Makes the main thread's WaitForSignal() return 0; `main_thread` is a pthread_t. Any thread.
void WakeSignalWaiter(unsigned long main_thread);

// Raises RLIMIT_NOFILE so that `clients` fit beside `own` other descriptors. Returns how many
// clients fit, which may be none.
[[nodiscard]] int64_t MakeRoomForClients(int64_t clients, int64_t own);

// Makes the directory the one that relative paths count from, in all threads. Returns errno, or 0.
// Any thread.
[[nodiscard]] int EnterDirectory(const std::string& path);

// Returns what is wrong, or nothing.
[[nodiscard]] std::optional<std::string> WritePidFile(const std::string& path);

// Absolute path of the running program.
[[nodiscard]] std::string ExecutablePath();
// Forty random hexadecimal digits.
[[nodiscard]] std::string MakeRunId();

}  // namespace mantis::server
