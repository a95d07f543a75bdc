#include "config/values.h"

#include <charconv>
#include <cstdlib>
#include <type_traits>

#include "config/value_parser.h"
#include "config/words.h"

namespace mantis::config {
namespace {

int64_t ReadNumber(const Option& option, const std::string& text) {
  int64_t value = 0;
  const int base = option.kind == Kind::kOctal ? 8 : 10;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return !text.empty() && text.back() == '%' ? -value : value;
}

std::vector<double> ReadPercentiles(const std::string& text) {
  std::vector<double> values;
  for (const std::string& word : SplitAtBlanks(text)) {
    double value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    values.push_back(value);
  }
  return values;
}

// Fills the row's member from a canonical text, which cannot fail.
void Fill(const Option& option, const std::string& text, Settings& settings) {
  std::visit(
      [&](auto member) {
        using Member = decltype(member);
        if constexpr (!std::is_same_v<Member, std::monostate>) {
          auto& target = settings.*member;
          using Target = std::remove_reference_t<decltype(target)>;
          if constexpr (std::is_same_v<Target, bool>) {
            target = text == "yes";
          } else if constexpr (std::is_enum_v<Target>) {
            target = static_cast<Target>(ChoiceIndex(option, text).value_or(0));
          } else if constexpr (std::is_integral_v<Target>) {
            target = static_cast<Target>(ReadNumber(option, text));
          } else if constexpr (std::is_same_v<Target, std::string>) {
            target = text;
          } else if constexpr (std::is_same_v<Target, std::vector<std::string>>) {
            target = SplitAtBlanks(text);
          } else if constexpr (std::is_same_v<Target, std::vector<double>>) {
            target = ReadPercentiles(text);
          } else if constexpr (std::is_same_v<Target, std::vector<SavePoint>>) {
            target = ReadSavePoints(text);
          } else {
            static_assert(std::is_same_v<Target, OutputBufferLimits>);
            target = ReadBufferLimits(text);
          }
        }
      },
      option.field);
}

// A default that does not parse is a mistake in the table, which no user can mend.
std::string CanonicalDefault(const Option& option) {
  std::vector<std::string> words{std::string(option.default_text)};
  if (option.Has(kMultiArg)) words = SplitAtBlanks(option.default_text);
  const std::string nothing;
  ParsedValue parsed = ParseValue(option, words, nothing, false);
  if (parsed.error) std::abort();
  return std::move(parsed.text);
}

std::string NumberRange(const Option& option) {
  const bool has_top = option.max != kInt64Max && option.max != kIntMax;
  if (option.min == kIntMin) return "an integer";
  const std::string low = std::to_string(option.min);
  return has_top ? "an integer from " + low + " to " + std::to_string(option.max)
                 : "an integer, at least " + low;
}

std::string MemoryExpectation(const Option& option) {
  std::string wanted = "a memory size such as 100mb";
  if (option.Has(kPercent)) wanted += ", or a percentage such as 5%";
  if (option.min > 0) wanted += ", at least " + FormatMemory(option.min);
  return wanted;
}

}  // namespace

Values::Values() {
  texts_.reserve(Options().size());
  for (size_t i = 0; i < Options().size(); ++i) texts_.push_back(DefaultText(i));
}

bool Values::IsDefault(size_t index) const { return texts_[index] == DefaultText(index); }

bool Values::IsRefused(size_t index) const {
  const Option& option = Options()[index];
  return option.Has(kRefused) && option.kind != Kind::kDirective && !IsDefault(index);
}

std::optional<std::string> Values::Assign(size_t index, std::span<const std::string> words,
                                          bool accumulate) {
  ParsedValue parsed = ParseValue(Options()[index], words, texts_[index], accumulate);
  if (!parsed.error) texts_[index] = std::move(parsed.text);
  return std::move(parsed.error);
}

Settings Values::Build() const {
  Settings settings;
  for (size_t i = 0; i < texts_.size(); ++i) Fill(Options()[i], texts_[i], settings);
  return settings;
}

const std::string& DefaultText(size_t index) {
  static const auto* const kDefaults = [] {
    auto* defaults = new std::vector<std::string>();
    for (const Option& option : Options()) defaults->push_back(CanonicalDefault(option));
    return defaults;
  }();
  return (*kDefaults)[index];
}

std::string Expectation(const Option& option) {
  switch (option.kind) {
    case Kind::kBool:
      return "yes or no";
    case Kind::kInteger:
      return NumberRange(option);
    case Kind::kOctal:
      return "an octal mode such as 700";
    case Kind::kMemory:
      return MemoryExpectation(option);
    case Kind::kString:
      return "one word, in quotes where it holds blanks";
    case Kind::kFileName:
      return "a file name without directories";
    case Kind::kDirectory:
      return "a directory";
    case Kind::kEnum:
      return "one of: " + std::string(option.choices);
    case Kind::kEnumSet:
      return "some of: " + std::string(option.choices);
    case Kind::kAddresses:
      return "up to 16 addresses";
    case Kind::kSavePoints:
      return "pairs of seconds (at least 1) and changes such as 3600 1, or \"\"";
    case Kind::kBufferLimits:
      return "normal, replica or pubsub, then hard limit, soft limit and seconds, such as "
             "pubsub 32mb 8mb 60";
    case Kind::kPercentiles:
      return "numbers from 0 to 100, or \"\"";
    case Kind::kEvents:
      return "letters out of Ag$lshzxeKEtmdn, or \"\"";
    case Kind::kHostPort:
      return "host and port";
    case Kind::kOomScores:
      return "three numbers from -2000 to 2000";
    case Kind::kDirective:
      return (option.max == option.min ? "" : "at least ") + std::to_string(option.min) +
             (option.min == 1 ? " word" : " words");
  }
  return "";
}

std::vector<std::string> SplitForOption(const Option& option, std::string_view value) {
  if (option.Has(kMultiArg)) return SplitAtBlanks(value);
  return {std::string(value)};
}

std::vector<std::string> FileLines(size_t index, const std::string& text) {
  const Option& option = Options()[index];
  if (option.Has(kEmptyIsUnset) && text.empty()) return {};
  const std::string start = std::string(option.name) + ' ';
  switch (option.kind) {
    case Kind::kString:
    case Kind::kFileName:
    case Kind::kDirectory:
    case Kind::kEvents:
      return {start + QuoteWord(text)};
    case Kind::kMemory:
      if (text.back() == '%') return {start + text};
      return {start + FormatMemory(ReadNumber(option, text))};
    case Kind::kSavePoints: {
      std::vector<std::string> lines;
      for (const SavePoint& point : ReadSavePoints(text)) {
        lines.push_back(start + std::to_string(point.seconds) + ' ' +
                        std::to_string(point.changes));
      }
      if (lines.empty()) lines.push_back(start + "\"\"");
      return lines;
    }
    case Kind::kBufferLimits: {
      const OutputBufferLimits limits = ReadBufferLimits(text);
      const auto line = [&](const char* name, const OutputBufferLimit& limit) {
        return start + name + ' ' + FormatMemory(static_cast<int64_t>(limit.hard)) + ' ' +
               FormatMemory(static_cast<int64_t>(limit.soft)) + ' ' +
               std::to_string(limit.soft_seconds);
      };
      return {line("normal", limits.normal), line("replica", limits.replica),
              line("pubsub", limits.pubsub)};
    }
    default:
      return {start + (text.empty() ? "\"\"" : text)};
  }
}

}  // namespace mantis::config
