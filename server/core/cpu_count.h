// How many cores this process may use: the affinity mask and the CPU quota of its control group.
//
// Thread safety: pure functions of their arguments and of the files they read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mantis::server {

// At least 1. The smaller of the affinity mask's size and the quota, rounded up.
[[nodiscard]] int UsableCores();

// The quota in cores ("150000 100000" gives 1.5) in the text of a v2 cpu.max; nothing: no limit.
[[nodiscard]] std::optional<double> ParseCpuMax(std::string_view text);
// The same from v1's cpu.cfs_quota_us and cpu.cfs_period_us.
[[nodiscard]] std::optional<double> ParseCfsQuota(std::string_view quota, std::string_view period);

// The least quota on the way from this process's group to the root of its hierarchy, for the text
// of /proc/self/cgroup and the folder where control groups are mounted.
[[nodiscard]] std::optional<double> QuotaCores(std::string_view proc_self_cgroup,
                                               const std::filesystem::path& mount);

}  // namespace mantis::server
