#include "config/option_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <map>

#include "config/accepted_options.h"
#include "config/effective_options.h"
#include "config/foreign_options.h"

namespace mantis::config {
namespace {

template <size_t... N>
constexpr auto Join(const std::array<Option, N>&... tables) {
  std::array<Option, (N + ...)> all{};
  auto at = all.begin();
  ((at = std::copy(tables.begin(), tables.end(), at)), ...);
  return all;
}

constexpr auto kOptions =
    Join(kEffectiveOptions, kPlainProcessOptions, kOwnThreadsOptions, kOwnMemoryOptions,
         kAlwaysSoOptions, kNoScriptsOptions, kNoUsersOptions, kOwnSnapshotsOptions,
         kNoAppendOnlyFileOptions, kNoReplicationOptions, kNoClusterOptions, kNoTlsOptions,
         kPromisingOptions, kObsoleteOptions, kForeignOptions);
constexpr size_t kOptionCount = kOptions.size();

constexpr bool IsLowerCase(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

constexpr bool NamesAreSound() {
  std::array<std::string_view, 2 * kOptionCount> names{};
  size_t count = 0;
  for (const Option& option : kOptions) {
    names[count++] = option.name;
    if (!option.alias.empty()) names[count++] = option.alias;
  }
  const auto last = names.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(names.begin(), last);
  return std::adjacent_find(names.begin(), last) == last &&
         std::all_of(names.begin(), last,
                     [](std::string_view n) { return !n.empty() && IsLowerCase(n); });
}
static_assert(NamesAreSound(), "option names and aliases must be unique and lower case");

const std::map<std::string_view, OptionMatch>& NameIndex() {
  static const auto* const kIndex = [] {
    auto* index = new std::map<std::string_view, OptionMatch>();
    for (size_t i = 0; i < kOptions.size(); ++i) {
      index->emplace(kOptions[i].name, OptionMatch{i, false});
      if (!kOptions[i].alias.empty()) index->emplace(kOptions[i].alias, OptionMatch{i, true});
    }
    return index;
  }();
  return *kIndex;
}

// Edits to get from `a` to `b`: insert, delete, replace, or swap two neighbours.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::span<const Option> Options() { return kOptions; }

std::optional<OptionMatch> FindOption(std::string_view name) {
  const auto& index = NameIndex();
  const auto found = index.find(ToLower(name));
  if (found == index.end()) return std::nullopt;
  return found->second;
}

size_t IndexOf(std::string_view name) {
  const std::optional<OptionMatch> match = FindOption(name);
  if (!match) std::abort();
  return match->index;
}

NearName NearestOption(std::string_view name) {
  // No option is that long, and the distance costs the product of both lengths.
  constexpr size_t kCompareMax = 64;
  const std::string lower = ToLower(name.substr(0, kCompareMax));
  NearName best{kOptions.front().name, std::string_view::npos};
  for (const auto& [candidate, match] : NameIndex()) {
    if (match.option().Has(kHidden)) continue;
    const size_t distance = EditDistance(lower, candidate);
    if (distance < best.distance) best = {candidate, distance};
  }
  return best;
}

std::string Suggestion(std::string_view name) {
  const NearName near = NearestOption(name);
  const std::string quoted = "'" + std::string(near.name) + "'";
  const bool is_close = near.distance <= std::max<size_t>(2, near.name.size() / 3);
  return is_close ? "did you mean " + quoted + "?" : "the nearest option is " + quoted;
}

std::string_view SectionTitle(Section section) {
  switch (section) {
    case Section::kNetwork:
      return "Network";
    case Section::kSecurity:
      return "Security";
    case Section::kGeneral:
      return "General";
    case Section::kMemory:
      return "Memory";
    case Section::kClients:
      return "Limits per client";
    case Section::kPersistence:
      return "Files and persistence";
    case Section::kObserving:
      return "Observing";
    case Section::kEncodings:
      return "Compact encodings";
    case Section::kAccepted:
      return "Accepted from redis.conf without effect";
  }
  return "";
}

std::string_view ReasonText(NoEffect reason) {
  switch (reason) {
    case NoEffect::kNotYet:
      return "nothing acts on them in this version";
    case NoEffect::kAlwaysSo:
      return "these things are always done here";
    case NoEffect::kNoAppendOnlyFile:
      return "there is no append-only file in this version";
    case NoEffect::kOwnSnapshots:
      return "snapshots have a format of their own";
    case NoEffect::kNoReplication:
      return "there is no replication in this version";
    case NoEffect::kNoCluster:
      return "there is no cluster mode in this version";
    case NoEffect::kNoTls:
      return "there is no TLS in this version";
    case NoEffect::kNoUsers:
      return "there are no ACL users in this version";
    case NoEffect::kNoScripts:
      return "there are no scripts and no modules in this version";
    case NoEffect::kOwnThreads:
      return "the option threads alone says how many there are, and the kernel where they run";
    case NoEffect::kOwnMemory:
      return "memory is laid out and given back in another way";
    case NoEffect::kPlainProcess:
      return "the process has no title, logo or crash report of its own";
    case NoEffect::kOfOthers:
      return "they belong to Valkey, KeyDB or a later Redis";
    case NoEffect::kObsolete:
      return "Redis itself ignores them by now";
  }
  return "";
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace mantis::config
