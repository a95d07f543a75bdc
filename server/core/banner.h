// The one-screen banner of the start.
//
// Thread safety: a pure function of its arguments.
#pragma once

#include <string>

namespace mantis::server {

struct CoreContext;
struct SharedState;

[[nodiscard]] std::string Banner(const SharedState& shared, int usable_cores);

}  // namespace mantis::server
