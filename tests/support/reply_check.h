// Tells where one reply ends, and whether it is well-formed, for tests that look at raw output.
//
// Thread safety: pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mantis::test {

enum class Dialect { kResp2, kResp3, kEither };

// The length of the complete reply that `bytes` begin with; nothing if it is cut short, malformed,
// or of a type the dialect does not have.
[[nodiscard]] std::optional<size_t> ReplyLength(std::string_view bytes, Dialect dialect);

}  // namespace mantis::test
