// Splits one line of an inline command into arguments, with Redis's quoting rules: "…" understands
// \xHH, \n, \r, \t, \b, \a and \<any>; '…' understands \' only; a closing quote ends its argument.
//
// Thread safety: pure function. Ownership: arguments without quotes are views into the line, others
// into `scratch`; both must outlive the arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mantis::protocol {

// One command: its name and its arguments.
using Args = std::vector<std::string_view>;

// Appends the arguments of `line` (without its end of line) to `args`. `scratch` is overwritten; it
// stays empty if nothing was put there. False: quotes are not balanced, and `args` is unspecified.
[[nodiscard]] bool SplitInlineArgs(std::string_view line, Args& args, std::string& scratch);

}  // namespace mantis::protocol
