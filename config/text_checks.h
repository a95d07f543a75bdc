// What Redis demands of the text of single options, beyond their kind.
//
// Thread safety: a pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mantis::config {

// What is wrong with this text for the option of that name, in Redis's words, or nothing.
[[nodiscard]] std::optional<std::string> FindTextFault(std::string_view option,
                                                       std::string_view text);

}  // namespace mantis::config
