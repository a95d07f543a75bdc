// Glob matching of option names, for CONFIG GET.
//
// Thread safety, ownership: a pure function over views.
// Bound: time is at most pattern length times name length, whatever the pattern.
#pragma once

#include <string_view>

namespace mantis::config {

// '*', '?', '[abc]', '[a-z]', '[^a]' and '\x'; ASCII letters match in either case.
[[nodiscard]] bool GlobMatch(std::string_view pattern, std::string_view name);

}  // namespace mantis::config
