#include "server/core/banner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "engine/base/memory.h"
#include "server/core/shared_state.h"
#include "server/info/version.h"

namespace mantis::server {
namespace {

std::string MemoryText(int64_t bytes) {
  if (bytes == 0) return "no limit";
  constexpr std::array<const char*, 4> kUnits = {"bytes", "KiB", "MiB", "GiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string ListenText(const config::Settings& settings) {
  std::string text;
  if (settings.port != 0 && !settings.bind.empty()) {
    text = fmt::format("port {} on", settings.port);
    for (const std::string& address : settings.bind) text += " " + address;
  }
  if (!settings.unixsocket.empty()) {
    text += (text.empty() ? "" : ", ") + ("unix socket " + settings.unixsocket);
  }
  return text;
}

std::string PolicyText(config::ConfigStore& store) {
  const std::string_view name = "maxmemory-policy";
  const auto found = store.Get({&name, 1});
  return found.empty() ? "" : found.front().second;
}

}  // namespace

std::string Banner(const SharedState& shared, int usable_cores) {
  const auto settings = shared.config.snapshot();
  std::string text = "\n\n";
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("      {:<10} {}\n", name, value);
  };
  text += fmt::format("   MantisDB {}  (speaks RESP, commands of Redis {})\n\n", kMantisVersion,
                      kRedisVersion);
  line("mode", "standalone");
  line("listens", ListenText(*settings));
  line("threads",
       fmt::format("{} (cores this process may use: {})", shared.cores.size(), usable_cores));
  line("memory",
       fmt::format("{}, policy {}", MemoryText(settings->maxmemory), PolicyText(shared.config)));
  line("allocator", memory::AllocatorName());
  line("clients", fmt::format("at most {}", settings->maxclients));
  line("config", shared.config_file.empty() ? "defaults and flags, no file" : shared.config_file);
  line("pid", std::to_string(getpid()));
  return text;
}

}  // namespace mantis::server
