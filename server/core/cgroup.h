// Limits that control groups set: read for every group that the process is in, as each of them
// binds.
//
// Thread safety: functions without state; they read files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mantis::server {

// The whole file, or nothing if it cannot be read.
std::optional<std::string> ReadTextFile(const std::filesystem::path& path);

// The least of what `read` finds in the folders of the process's groups that `controller` governs,
// up to the mount. `read` gets a folder and whether it is of the version 2 hierarchy.
// `proc_self_cgroup` is the text of /proc/self/cgroup, `mount` where the groups are mounted.
std::optional<double> LeastOfGroups(
    std::string_view proc_self_cgroup, const std::filesystem::path& mount,
    std::string_view controller,
    const std::function<std::optional<double>(const std::filesystem::path&, bool v2)>& read);

}  // namespace mantis::server
