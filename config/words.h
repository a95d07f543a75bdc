// Words of a configuration line: splitting and quoting as redis.conf has it, numbers and sizes.
//
// Thread safety, ownership: pure functions returning values of their own.
// Invariant: SplitWords(QuoteWord(x)) gives back exactly {x}, whatever bytes x holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mantis::config {

// Splits at white space. "…" knows \n \r \t \a \b \xHH and \<char>; '…' knows \' only. Nothing
// when quotes do not balance, or when text follows a closing quote at once.
[[nodiscard]] std::optional<std::vector<std::string>> SplitWords(std::string_view line);

// In double quotes, with escapes for whatever would not survive otherwise.
[[nodiscard]] std::string QuoteWord(std::string_view word);

[[nodiscard]] std::string JoinWords(std::span<const std::string> words);

// Splits at single blanks, keeping empty words; an empty text has none.
[[nodiscard]] std::vector<std::string> SplitAtBlanks(std::string_view text);

[[nodiscard]] std::string_view TrimSpace(std::string_view text);

// Decimal in its one canonical spelling: no sign but '-', no leading zeroes, no blanks.
[[nodiscard]] std::optional<int64_t> ParseInteger(std::string_view text);

// Digits and one of b k kb m mb g gb (k = 1000, kb = 1024), any case. As in Redis, no
// digits are zero. What does not fit becomes the largest number.
[[nodiscard]] std::optional<uint64_t> ParseMemory(std::string_view text);

// The shortest spelling ParseMemory reads back: 104857600 gives "100mb".
[[nodiscard]] std::string FormatMemory(int64_t bytes);

}  // namespace mantis::config
