// Checks what was written for one option and brings it into its canonical text.
//
// Thread safety, ownership: pure functions returning values of their own (a directory is made
// absolute against the working directory of the moment).
// Invariant: a canonical text parses to itself.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "config/option_table.h"

namespace mantis::config {

struct ParsedValue {
  std::string text;                  // canonical; meaningless with an error
  std::optional<std::string> error;  // Redis's words for what is wrong
};

// `current` is the value before: the buffer limits of classes not named stay as they are, and
// with `accumulate` save points are added to it.
[[nodiscard]] ParsedValue ParseValue(const Option& option, std::span<const std::string> words,
                                     const std::string& current, bool accumulate);

// Of a canonical text.
[[nodiscard]] OutputBufferLimits ReadBufferLimits(const std::string& text);
[[nodiscard]] std::vector<SavePoint> ReadSavePoints(const std::string& text);

// The position of `name` in the row's choices, whatever its case; nothing when it is not there.
[[nodiscard]] std::optional<size_t> ChoiceIndex(const Option& option, std::string_view name);

}  // namespace mantis::config
