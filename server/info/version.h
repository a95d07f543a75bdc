// What this server calls itself.
//
// Thread safety: constants.
#pragma once

#include <string_view>

namespace mantis::server {

// The Redis release whose commands and replies this server follows; clients choose by it what
// they may use.
inline constexpr std::string_view kRedisVersion = "7.2.0";
// MANTIS_VERSION is the version in the top CMakeLists.txt.
inline constexpr std::string_view kMantisVersion = MANTIS_VERSION;

}  // namespace mantis::server
