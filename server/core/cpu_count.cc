#include "server/core/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <thread>

#include "server/core/cgroup.h"

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> LeadingInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<double> Ratio(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> QuotaAt(const fs::path& folder, bool v2) {
  if (v2) {
    const auto text = ReadTextFile(folder / "cpu.max");
    return text ? ParseCpuMax(*text) : std::nullopt;
  }
  const auto quota = ReadTextFile(folder / "cpu.cfs_quota_us");
  const auto period = ReadTextFile(folder / "cpu.cfs_period_us");
  return quota && period ? ParseCfsQuota(*quota, *period) : std::nullopt;
}

}  // namespace

std::optional<double> ParseCpuMax(std::string_view text) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return Ratio(LeadingInteger(text), LeadingInteger(text.substr(blank + 1)));
}

std::optional<double> ParseCfsQuota(std::string_view quota, std::string_view period) {
  return Ratio(LeadingInteger(quota), LeadingInteger(period));
}

std::optional<double> QuotaCores(std::string_view proc_self_cgroup, const fs::path& mount) {
  return LeastOfGroups(proc_self_cgroup, mount, "cpu", QuotaAt);
}

int UsableCores() {
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
    cores = CPU_COUNT(&set);
  }
  const std::optional<double> quota =
      QuotaCores(ReadTextFile("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup");
  if (quota) cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(*quota))));
  return cores;
}

}  // namespace mantis::server
