#include "server/core/cgroup.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mantis::server {
namespace {

namespace fs = std::filesystem;
using Reader = std::function<std::optional<double>(const fs::path&, bool)>;

std::optional<double> Least(std::optional<double> a, std::optional<double> b) {
  if (!a) return b;
  return b ? std::min(*a, *b) : a;
}

// From the group's folder up to the mount. Inside a container the path may be the host's, which
// does not exist here; the mount itself is then the container's own group.
std::optional<double> LeastUpwards(const fs::path& mount, const fs::path& group, bool v2,
                                   const Reader& read) {
  std::optional<double> least = read(mount, v2);
  fs::path folder = mount;
  for (const fs::path& part : group.relative_path()) {
    folder /= part;
    least = Least(least, read(folder, v2));
  }
  return least;
}

bool Names(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string> ReadTextFile(const fs::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<double> LeastOfGroups(std::string_view proc_self_cgroup, const fs::path& mount,
                                    std::string_view controller, const Reader& read) {
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
      least = Least(least, LeastUpwards(mount, group, true, read));
    } else if (Names(controllers, controller)) {
      const fs::path joint = mount / std::string(controllers);
      const fs::path folder = fs::exists(joint) ? joint : mount / std::string(controller);
      least = Least(least, LeastUpwards(folder, group, false, read));
    }
  }
  return least;
}

}  // namespace mantis::server
