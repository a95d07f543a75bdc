#include "server/core/memory_limit.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "server/core/cgroup.h"

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

// Version 1 says "no limit" by a number near 2^63.
constexpr int64_t kUnlimited = int64_t{1} << 60;

std::optional<double> LimitAt(const fs::path& folder, bool v2) {
  const auto text = ReadTextFile(folder / (v2 ? "memory.max" : "memory.limit_in_bytes"));
  return text ? ParseMemoryMax(*text) : std::nullopt;
}

void ApplyResourceLimit(decltype(RLIMIT_AS) resource, int64_t* bytes) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  if (limit.rlim_cur < static_cast<rlim_t>(*bytes)) *bytes = static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

std::optional<double> ParseMemoryMax(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || value <= 0 || value >= kUnlimited) {
    return std::nullopt;
  }
  return static_cast<double>(value);
}

std::optional<double> GroupMemory(std::string_view proc_self_cgroup, const fs::path& mount) {
  return LeastOfGroups(proc_self_cgroup, mount, "memory", LimitAt);
}

int64_t UsableMemory() {
  int64_t bytes = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  const std::optional<double> group =
      GroupMemory(ReadTextFile("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup");
  if (group) bytes = std::min(bytes, static_cast<int64_t>(*group));
  ApplyResourceLimit(RLIMIT_AS, &bytes);
  ApplyResourceLimit(RLIMIT_DATA, &bytes);
  return bytes;
}

}  // namespace mantis::server
