// How much memory this process may use: the machine's, its control group's limit, and the limits of
// its address space and data (ulimit -v, -d).
//
// Thread safety: pure functions of their arguments and of the files they read.
// Units: bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace mantis::server {

// The least of all of them.
[[nodiscard]] int64_t UsableMemory();

// The limit in the text of a v2 memory.max or a v1 memory.limit_in_bytes; nothing: no limit.
[[nodiscard]] std::optional<double> ParseMemoryMax(std::string_view text);

// The least limit on the way from this process's group to the root of its hierarchy, for the text
// of /proc/self/cgroup and the folder where control groups are mounted.
[[nodiscard]] std::optional<double> GroupMemory(std::string_view proc_self_cgroup,
                                                const std::filesystem::path& mount);

}  // namespace mantis::server
