#include "config/value_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/text_checks.h"
#include "config/words.h"

namespace mantis::config {
namespace {

using Words = std::span<const std::string>;

constexpr const char* kWrongCount = "wrong number of arguments";

ParsedValue Good(std::string text) { return {std::move(text), std::nullopt}; }
ParsedValue Bad(std::string error) { return {{}, std::move(error)}; }

std::optional<int64_t> ParseWhole(std::string_view text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::string Octal(int64_t value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, 8);
  return {buffer.data(), result.ptr};
}

std::string RangeError(const std::string& min, const std::string& max) {
  return "argument must be between " + min + " and " + max + " inclusive";
}

ParsedValue ParseBool(const std::string& word) {
  const std::string lower = ToLower(word);
  if (lower == "yes" || lower == "no") return Good(lower);
  return Bad("argument must be 'yes' or 'no'");
}

ParsedValue ParseNumber(const Option& option, const std::string& word) {
  const std::optional<int64_t> value = ParseInteger(word);
  if (!value) return Bad("argument couldn't be parsed into an integer");
  if (option.Has(kClamp)) {
    if (*value < 0 || *value > kIntMax) return Bad(RangeError("0", std::to_string(kIntMax)));
    return Good(std::to_string(std::clamp(*value, option.min, option.max)));
  }
  if (*value < option.min || *value > option.max) {
    return Bad(RangeError(std::to_string(option.min), std::to_string(option.max)));
  }
  return Good(std::to_string(*value));
}

ParsedValue ParseOctal(const Option& option, const std::string& word) {
  int64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, value, 8);
  if (error != std::errc{} || rest != end) {
    return Bad("argument couldn't be parsed as an octal number");
  }
  if (value < option.min || value > option.max) {
    return Bad(RangeError(Octal(option.min), Octal(option.max)));
  }
  return Good(Octal(value));
}

// Redis keeps no smaller backlog than this, whatever it is told.
constexpr int64_t kBacklogMin = 16 * 1024;

std::string PercentError(const Option& option) {
  return "percentage argument must be less or equal to " + std::to_string(-option.min);
}

ParsedValue ParseMemorySize(const Option& option, const std::string& word) {
  if (const std::optional<uint64_t> bytes = ParseMemory(word)) {
    constexpr auto kMost = static_cast<uint64_t>(kInt64Max);
    const auto fitting = static_cast<int64_t>(std::min(*bytes, kMost));
    const bool too_large = *bytes > kMost && !option.Has(kClamp);
    // To Redis such a size is a negative number, and thus a percentage.
    if (too_large && option.Has(kPercent)) return Bad(PercentError(option));
    if (too_large || fitting < option.min) {
      return Bad(RangeError(std::to_string(option.min), std::to_string(option.max)));
    }
    if (option.name == "repl-backlog-size")
      return Good(std::to_string(std::max(fitting, kBacklogMin)));
    return Good(std::to_string(fitting));
  }
  if (!option.Has(kPercent)) return Bad("argument must be a memory value");
  if (word.size() > 1 && word.back() == '%') {
    const auto percent = ParseInteger(std::string_view(word).substr(0, word.size() - 1));
    if (percent && *percent > -option.min) {
      return Bad(PercentError(option));
    }
    // No per cent is no limit, and then CONFIG GET prints the plain number.
    if (percent && *percent == 0) return Good("0");
    if (percent && *percent > 0) return Good(word);
  }
  return Bad("argument must be a memory or percent value");
}

std::string ChoicesError(const Option& option) {
  std::string list(option.choices);
  for (size_t at = 0; (at = list.find(' ', at)) != std::string::npos; at += 2) {
    list.replace(at, 1, ", ");
  }
  return "argument(s) must be one of the following: " + list;
}

ParsedValue ParseEnum(const Option& option, const std::string& word) {
  const std::optional<size_t> index = ChoiceIndex(option, word);
  if (!index) return Bad(ChoicesError(option));
  // Redis knows two words for one meaning here and prints the first.
  if (option.name == "oom-score-adj" && ToLower(word) == "relative") return Good("yes");
  return Good(SplitAtBlanks(option.choices)[*index]);
}

// The one such list is that of shutdown-on-sigint and shutdown-on-sigterm; its first choice stands
// for the empty set.
ParsedValue ParseEnumSet(const Option& option, Words words) {
  const std::vector<std::string> choices = SplitAtBlanks(option.choices);
  std::vector<bool> chosen(choices.size(), false);
  if (words.empty()) return Bad(ChoicesError(option));
  for (const std::string& word : words) {
    const std::optional<size_t> index = ChoiceIndex(option, word);
    if (!index) return Bad(ChoicesError(option));
    chosen[*index] = true;
  }
  if (chosen[*ChoiceIndex(option, "save")] && chosen[*ChoiceIndex(option, "nosave")]) {
    return Bad("shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  std::vector<std::string> kept;
  for (size_t i = 1; i < choices.size(); ++i) {
    if (chosen[i]) kept.push_back(choices[i]);
  }
  return Good(kept.empty() ? choices[0] : JoinWords(kept));
}

ParsedValue ParseText(const Option& option, Words words) {
  std::string text = JoinWords(words);
  if (auto fault = FindTextFault(option.name, text)) return Bad(std::move(*fault));
  return Good(std::move(text));
}

ParsedValue ParseFileName(const Option& option, const std::string& word) {
  if (word.find('/') != std::string::npos || word.find('\\') != std::string::npos) {
    return Bad(std::string(option.name) + " can't be a path, just a filename");
  }
  if (word.empty() && option.name != "dbfilename") {
    return Bad(std::string(option.name) + " can't be empty");
  }
  return Good(word);
}

ParsedValue ParseDirectory(const std::string& word) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(word, error);
  if (error) return Bad(error.message());
  std::string text = absolute.lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return Good(std::move(text));
}

ParsedValue ParseAddresses(Words words) {
  constexpr size_t kAddressesMax = 16;
  if (words.size() > kAddressesMax) return Bad("Too many bind addresses specified.");
  return Good(JoinWords(words));
}

ParsedValue ParseSavePoints(Words words, const std::string& current, bool accumulate) {
  if (words.empty()) return Good("");
  std::vector<std::string> kept;
  if (accumulate && !current.empty()) kept.push_back(current);
  for (size_t i = 0; i < words.size(); ++i) {
    const std::optional<int64_t> value = ParseWhole(words[i]);
    const int64_t least = i % 2 == 0 ? 1 : 0;
    if (words.size() % 2 != 0 || !value || *value < least || *value > kIntMax) {
      return Bad("Invalid save parameters");
    }
    kept.push_back(std::to_string(*value));
  }
  return Good(JoinWords(kept));
}

OutputBufferLimit* LimitOfClass(OutputBufferLimits& limits, std::string_view name) {
  if (name == "normal") return &limits.normal;
  if (name == "replica" || name == "slave") return &limits.replica;
  if (name == "pubsub") return &limits.pubsub;
  return nullptr;
}

std::string BufferLimitsText(const OutputBufferLimits& limits) {
  const auto one = [](const char* name, const OutputBufferLimit& limit) {
    return std::string(name) + ' ' + std::to_string(limit.hard) + ' ' + std::to_string(limit.soft) +
           ' ' + std::to_string(limit.soft_seconds);
  };
  // Redis still prints the older name of the replica class.
  return one("normal", limits.normal) + ' ' + one("slave", limits.replica) + ' ' +
         one("pubsub", limits.pubsub);
}

ParsedValue ParseBufferLimits(Words words, const std::string& current) {
  OutputBufferLimits limits = ReadBufferLimits(current);
  if (words.size() % 4 != 0) return Bad("Wrong number of arguments in buffer limit configuration.");
  for (size_t i = 0; i < words.size(); i += 4) {
    OutputBufferLimit* limit = LimitOfClass(limits, ToLower(words[i]));
    if (limit == nullptr) {
      return Bad("Invalid client class specified in buffer limit configuration.");
    }
    const std::optional<uint64_t> hard = ParseMemory(words[i + 1]);
    const std::optional<uint64_t> soft = ParseMemory(words[i + 2]);
    const std::optional<int64_t> seconds = ParseWhole(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0 || *seconds > kIntMax) {
      return Bad("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    constexpr auto kMost = static_cast<uint64_t>(kInt64Max);
    *limit = {std::min(*hard, kMost), std::min(*soft, kMost), *seconds};
  }
  return Good(BufferLimitsText(limits));
}

ParsedValue ParsePercentiles(Words words) {
  std::vector<std::string> kept;
  for (const std::string& word : words) {
    double value = 0;
    const char* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc{} || rest != end || value != value) {
      return Bad("Invalid latency-tracking-info-percentiles parameters");
    }
    if (value < 0.0 || value > 100.0) {
      return Bad("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    std::array<char, 64> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%f", value);
    std::string text(buffer.data(), static_cast<size_t>(length));
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    kept.push_back(std::move(text));
  }
  return Good(JoinWords(kept));
}

ParsedValue ParseEvents(const std::string& word) {
  constexpr std::string_view kInAll = "g$lshzxetd";  // what 'A' stands for
  constexpr std::string_view kOthers = "KEmn";
  std::string all;
  std::string others;
  const bool has_all = word.find('A') != std::string::npos;
  for (const char c : word) {
    if (c != 'A' && kInAll.find(c) == std::string_view::npos &&
        kOthers.find(c) == std::string_view::npos) {
      return Bad("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
  }
  for (const char c : kInAll) {
    if (has_all || word.find(c) != std::string::npos) all.push_back(c);
  }
  for (const char c : kOthers) {
    if (word.find(c) != std::string::npos) others.push_back(c);
  }
  return Good((all == kInAll ? "A" : all) + others);
}

ParsedValue ParseHostPort(Words words) {
  if (words.empty()) return Good("");
  if (words.size() != 2) return Bad(kWrongCount);
  if (ToLower(words[0]) == "no" && ToLower(words[1]) == "one") return Good("");
  const std::optional<int64_t> port = ParseWhole(words[1]);
  if (!port || *port < 0 || *port > 65535) return Bad("Invalid master port");
  return Good(words[0] + ' ' + std::to_string(*port));
}

ParsedValue ParseOomScores(Words words) {
  if (words.size() != 3) return Bad(kWrongCount);
  std::vector<std::string> kept;
  for (const std::string& word : words) {
    const std::optional<int64_t> value = ParseWhole(word);
    if (!value || *value < -2000 || *value > 2000) {
      return Bad("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    kept.push_back(std::to_string(*value));
  }
  return Good(JoinWords(kept));
}

}  // namespace

ParsedValue ParseValue(const Option& option, Words words, const std::string& current,
                       bool accumulate) {
  // A single empty word is how one writes "none" for an option that takes several.
  if (option.Has(kMultiArg) && words.size() == 1 && words[0].empty()) words = {};
  if (!option.Has(kMultiArg) && words.size() != 1) return Bad(kWrongCount);
  switch (option.kind) {
    case Kind::kBool:
      return ParseBool(words[0]);
    case Kind::kInteger:
      return ParseNumber(option, words[0]);
    case Kind::kOctal:
      return ParseOctal(option, words[0]);
    case Kind::kMemory:
      return ParseMemorySize(option, words[0]);
    case Kind::kString:
      return ParseText(option, words);
    case Kind::kFileName:
      return ParseFileName(option, words[0]);
    case Kind::kDirectory:
      return ParseDirectory(words[0]);
    case Kind::kEnum:
      return ParseEnum(option, words[0]);
    case Kind::kEnumSet:
      return ParseEnumSet(option, words);
    case Kind::kAddresses:
      return ParseAddresses(words);
    case Kind::kSavePoints:
      return ParseSavePoints(words, current, accumulate);
    case Kind::kBufferLimits:
      return ParseBufferLimits(words, current);
    case Kind::kPercentiles:
      return ParsePercentiles(words);
    case Kind::kEvents:
      return ParseEvents(words[0]);
    case Kind::kHostPort:
      return ParseHostPort(words);
    case Kind::kOomScores:
      return ParseOomScores(words);
    case Kind::kDirective:
      return Good("");
  }
  return Bad(kWrongCount);
}

OutputBufferLimits ReadBufferLimits(const std::string& text) {
  OutputBufferLimits limits;
  const std::vector<std::string> words = SplitAtBlanks(text);
  for (size_t i = 0; i + 3 < words.size(); i += 4) {
    if (OutputBufferLimit* limit = LimitOfClass(limits, words[i])) {
      *limit = {static_cast<uint64_t>(ParseWhole(words[i + 1]).value_or(0)),
                static_cast<uint64_t>(ParseWhole(words[i + 2]).value_or(0)),
                ParseWhole(words[i + 3]).value_or(0)};
    }
  }
  return limits;
}

std::vector<SavePoint> ReadSavePoints(const std::string& text) {
  std::vector<SavePoint> points;
  const std::vector<std::string> words = SplitAtBlanks(text);
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    points.push_back({ParseWhole(words[i]).value_or(0), ParseWhole(words[i + 1]).value_or(0)});
  }
  return points;
}

std::optional<size_t> ChoiceIndex(const Option& option, std::string_view name) {
  const std::vector<std::string> choices = SplitAtBlanks(option.choices);
  const auto found = std::find(choices.begin(), choices.end(), ToLower(name));
  if (found == choices.end()) return std::nullopt;
  return static_cast<size_t>(found - choices.begin());
}

}  // namespace mantis::config
