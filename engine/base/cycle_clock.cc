#include "engine/base/cycle_clock.h"

#include <thread>

namespace mantis {

double NsPerTick() {
#if defined(__x86_64__)
  using std::chrono::duration, std::chrono::steady_clock;
  const auto wall = steady_clock::now();
  const uint64_t ticks = Ticks();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const uint64_t spent = Ticks() - ticks;
  const duration<double, std::nano> ns = steady_clock::now() - wall;
  return spent == 0 ? 1.0 : ns.count() / static_cast<double>(spent);
#else
  return 1.0;
#endif
}

}  // namespace mantis
