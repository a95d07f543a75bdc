// What the configuration needs of the file system: looked at before the server starts, so that it
// is refused at once and not when the first snapshot fails, and by --check-config.
//
// Thread safety: functions of their arguments and of the file system.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace mantis::server {

// What keeps the server from starting, each in a sentence that names the path; empty if nothing.
[[nodiscard]] std::vector<std::string> FindFileProblems(const config::Settings& settings);

// Data of Redis in `dir` that this server does not load, each in a sentence; empty if there is
// none.
[[nodiscard]] std::vector<std::string> FindForeignData(const config::Settings& settings);

}  // namespace mantis::server
