#include "server/core/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> ReadFile(const fs::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

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

std::optional<double> Least(std::optional<double> a, std::optional<double> b) {
  if (!a) return b;
  return b ? std::min(*a, *b) : a;
}

std::optional<double> QuotaAt(const fs::path& folder, bool v2) {
  if (v2) {
    const auto text = ReadFile(folder / "cpu.max");
    return text ? ParseCpuMax(*text) : std::nullopt;
  }
  const auto quota = ReadFile(folder / "cpu.cfs_quota_us");
  const auto period = ReadFile(folder / "cpu.cfs_period_us");
  return quota && period ? ParseCfsQuota(*quota, *period) : std::nullopt;
}

// From the group's folder up to the mount. Inside a container the path may be the host's, which
// does not exist here; the mount itself is then the container's own group.
std::optional<double> QuotaUpwards(const fs::path& mount, const fs::path& group, bool v2) {
  std::optional<double> least = QuotaAt(mount, v2);
  fs::path folder = mount;
  for (const fs::path& part : group.relative_path()) {
    folder /= part;
    least = Least(least, QuotaAt(folder, v2));
  }
  return least;
}

bool NamesCpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
  return false;
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
  std::optional<double> least;
  while (!proc_self_cgroup.empty()) {
    const size_t end = std::min(proc_self_cgroup.find('\n'), proc_self_cgroup.size());
    const std::string_view line = proc_self_cgroup.substr(0, end);
    proc_self_cgroup.remove_prefix(std::min(end + 1, proc_self_cgroup.size()));
    // "id:controllers:path"; version 2 has no controllers.
    const size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const fs::path group(line.substr(second + 1));
    if (controllers.empty()) {
      least = Least(least, QuotaUpwards(mount, group, true));
    } else if (NamesCpu(controllers)) {
      const fs::path joint = mount / std::string(controllers);
      least = Least(least, QuotaUpwards(fs::exists(joint) ? joint : mount / "cpu", group, false));
    }
  }
  return least;
}

int UsableCores() {
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
    cores = CPU_COUNT(&set);
  }
  const std::optional<double> quota =
      QuotaCores(ReadFile("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup");
  if (quota) cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(*quota))));
  return cores;
}

}  // namespace mantis::server
