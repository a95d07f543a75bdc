// The option table: one row per directive, from which everything else is derived.
//
// Purpose: the file parser, flags, environment variables, CONFIG GET/SET/REWRITE and --help all
// walk these rows. To add an option, add a row (effective_options.h, accepted_options.h for a
// Redis directive that changes nothing here yet, foreign_options.h for one of its relatives) and,
// if code reads it, a member in Settings. Thread safety: immutable, compile-time data. Invariants,
// checked at compile time: names and aliases are unique and lower case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace mantis::config {

// How the text of a value is read, checked and printed.
enum class Kind : uint8_t {
  kBool,          // yes | no
  kInteger,       // decimal, min..max
  kOctal,         // octal, min..max
  kMemory,        // bytes, with units; "n%" too when the row has kPercent
  kString,        // any text
  kFileName,      // a name without directories
  kDirectory,     // a path, kept absolute
  kEnum,          // one of `choices`
  kEnumSet,       // some of `choices`
  kAddresses,     // what to listen on
  kSavePoints,    // pairs of seconds and changes
  kBufferLimits,  // groups of class, hard limit, soft limit, seconds
  kPercentiles,   // numbers from 0 to 100
  kEvents,        // keyspace event classes
  kHostPort,      // host and port, or nothing
  kOomScores,     // three numbers
  kDirective,     // a file directive that is no option (user, rename-command...): not stored
};

enum Flag : uint16_t {
  kNone = 0,
  kImmutable = 1 << 0,     // only at start
  kMultiArg = 1 << 1,      // takes several words
  kPercent = 1 << 2,       // kMemory: a percentage is stored as a negative number
  kSecret = 1 << 3,        // shown by CONFIG GET only: not in logs, errors or reports
  kHidden = 1 << 4,        // CONFIG GET by exact name only, not in --help
  kProtected = 1 << 5,     // CONFIG SET needs enable-protected-configs
  kAccepted = 1 << 6,      // Redis has it; it has no effect here (yet)
  kEmptyIsUnset = 1 << 7,  // an empty text means "not set": REWRITE leaves the line out
  kClamp = 1 << 8,         // min and max cap the value instead of refusing it
  kRefused = 1 << 9,       // promises what is not given: only its default may be set
};

// Why a row with kAccepted has no effect. All those of one reason share one warning at the start.
enum class NoEffect : uint8_t {
  kNotYet,
  kAlwaysSo,
  kNoAppendOnlyFile,
  kOwnSnapshots,
  kNoReplication,
  kNoCluster,
  kNoTls,
  kNoUsers,
  kNoScripts,
  kOwnThreads,
  kOwnMemory,
  kPlainProcess,
  kOfOthers,
  kObsolete,
};

enum class Section : uint8_t {
  kNetwork,
  kSecurity,
  kGeneral,
  kMemory,
  kClients,
  kPersistence,
  kObserving,
  kEncodings,
  kAccepted,
};

// The member of Settings a row fills; monostate for none.
using Field =
    std::variant<std::monostate, bool Settings::*, int Settings::*, uint16_t Settings::*,
                 int64_t Settings::*, std::string Settings::*, std::vector<std::string> Settings::*,
                 std::vector<double> Settings::*, std::vector<SavePoint> Settings::*,
                 OutputBufferLimits Settings::*, MaxmemoryPolicy Settings::*, LogLevel Settings::*,
                 GuardedAction Settings::*, Supervised Settings::*>;

inline constexpr int64_t kIntMax = std::numeric_limits<int>::max();
inline constexpr int64_t kIntMin = std::numeric_limits<int>::min();
inline constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

struct Option {
  std::string_view name;
  Kind kind = Kind::kString;
  uint16_t flags = kNone;
  Section section = Section::kAccepted;
  std::string_view default_text = {};  // as one would write it in the file
  Field field = {};
  std::string_view help = {};
  int64_t min = 0;
  int64_t max = kInt64Max;
  std::string_view choices = {};  // space-separated, in Redis's order
  std::string_view alias = {};    // the option's older name
  NoEffect no_effect = NoEffect::kNotYet;
  // What any value but the default does not bring about; with kRefused, also how to go on without.
  std::string_view consequence = {};

  [[nodiscard]] constexpr bool Has(Flag flag) const { return (flags & flag) != 0; }
};

// All rows: effective ones by section, then the accepted ones.
[[nodiscard]] std::span<const Option> Options();

// A row and the name it was found by.
struct OptionMatch {
  size_t index = 0;
  bool by_alias = false;
  [[nodiscard]] const Option& option() const { return Options()[index]; }
  // The name or the alias, as the table spells it.
  [[nodiscard]] std::string_view spelling() const {
    return by_alias ? option().alias : option().name;
  }
};

// Looks a name or alias up, whatever its case.
[[nodiscard]] std::optional<OptionMatch> FindOption(std::string_view name);

// The row of an option that is known to exist; a wrong name is a programming error.
[[nodiscard]] size_t IndexOf(std::string_view name);

// The name or alias with the least edit distance to `name`.
struct NearName {
  std::string_view name;
  size_t distance = 0;
};
[[nodiscard]] NearName NearestOption(std::string_view name);

// "did you mean 'x'?", or "the nearest option is 'x'" where it is far away.
[[nodiscard]] std::string Suggestion(std::string_view name);

[[nodiscard]] std::string_view SectionTitle(Section section);

// The end of a sentence: "there is no replication in this version".
[[nodiscard]] std::string_view ReasonText(NoEffect reason);

[[nodiscard]] std::string ToLower(std::string_view text);

}  // namespace mantis::config
