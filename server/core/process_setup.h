// What belongs to the process as a whole: signals, the limit of open files, the pid file.
//
// Thread safety: called by the main thread, before other threads start unless it says otherwise.
#pragma once

#include <optional>
#include <string>

namespace mantis::server {

// Ignores SIGPIPE and SIGHUP, and blocks SIGTERM and SIGINT in this thread and those it starts, to
// be taken with WaitForStopSignal().
void SetUpSignals();
// Waits for SIGTERM or SIGINT and returns it. Any thread.
int WaitForStopSignal();
// Makes the main thread's WaitForStopSignal() return; `main_thread` is a pthread_t.
void WakeStopWaiter(unsigned long main_thread);

// Raises RLIMIT_NOFILE so that `clients` fit beside the server's own descriptors. Returns how many
// clients fit.
[[nodiscard]] int64_t MakeRoomForClients(int64_t clients);

// Returns what is wrong, or nothing.
[[nodiscard]] std::optional<std::string> WritePidFile(const std::string& path);

// Absolute path of the running program.
[[nodiscard]] std::string ExecutablePath();
// Forty random hexadecimal digits.
[[nodiscard]] std::string MakeRunId();

}  // namespace mantis::server
