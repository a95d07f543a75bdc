// CONFIG REWRITE: brings a configuration file into line with the values in force.
//
// Thread safety: pure but for the file system; one rewrite of a file at a time.
// Invariants: comments, blank lines, order and lines that are right already stay as they are; the
// file is replaced in one step, so that a crash leaves the old or the new one; rewriting twice
// changes nothing the second time.
#pragma once

#include <optional>
#include <string>

#include "config/values.h"

namespace mantis::config {

// The text of the file after the rewrite.
[[nodiscard]] std::string RewriteText(const std::string& old_text, const Values& values);

// Returns an error in Redis's words, or nothing.
[[nodiscard]] std::optional<std::string> RewriteFile(const std::string& path, const Values& values);

}  // namespace mantis::config
