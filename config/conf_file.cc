#include "config/conf_file.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include "config/words.h"

namespace mantis::config {
namespace {

constexpr int kIncludeDepthMax = 16;
constexpr std::string_view kEnvironmentPrefix = "MANTIS_";
constexpr std::string_view kDefaultsVariable = "MANTIS_DEFAULTS";

std::string VariableName(std::string_view option_name) {
  std::string name(kEnvironmentPrefix);
  for (const char c : option_name) {
    name.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return name;
}

std::optional<OptionMatch> FindVariable(std::string_view name) {
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    if (option.kind == Kind::kDirective) continue;
    if (VariableName(option.name) == name) return OptionMatch{i, false};
    if (!option.alias.empty() && VariableName(option.alias) == name) return OptionMatch{i, true};
  }
  return std::nullopt;
}

// The line as it may be shown. It is whole only where it starts with the name of an option that
// holds no password. A mistyped name may have been meant for one that does.
std::string Shown(std::string_view line) {
  const std::string_view trimmed = TrimSpace(line);
  const std::optional<std::vector<std::string>> words = SplitWords(trimmed);
  const std::string first(words && !words->empty()
                              ? std::string_view(words->front())
                              : trimmed.substr(0, trimmed.find_first_of(" \t")));
  const std::optional<OptionMatch> match = FindOption(first);
  if (match && !match->option().Has(kSecret) && match->option().name != "user") {
    return std::string(trimmed);
  }
  const std::string name = ShownName(first);
  return name == trimmed ? name : name + (name.empty() ? "(hidden)" : " (hidden)");
}

std::string Located(const std::string& where, std::string_view line, const std::string& what) {
  std::string text = where + ": " + what;
  if (!line.empty()) text += "\n    >>> " + Shown(line);
  return text;
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

std::optional<std::string> ReadWholeFile(const std::string& path, std::string& text) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return "it is a directory";
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::generic_category().message(errno);
  text.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return std::string("reading failed");
  return std::nullopt;
}

// CONFIG REWRITE of Redis leaves the line behind that says that the default user may do everything,
// which is how it is here. A password in it would be another matter.
bool AllowsEverything(const std::vector<std::string>& words) {
  constexpr std::string_view kAllowing[] = {
      "on",          "nopass", "~*",          "allkeys",          "&*",
      "allchannels", "+@all",  "allcommands", "sanitize-payload", "skip-sanitize-payload"};
  const auto allows = [&](const std::string& word) {
    return std::find(std::begin(kAllowing), std::end(kAllowing), ToLower(word)) !=
           std::end(kAllowing);
  };
  return ToLower(words.front()) == "default" && std::all_of(words.begin() + 1, words.end(), allows);
}

// What Kubernetes puts into the environment for a service, after "MANTIS_": the address of a port,
// and names that are nobody else's.
bool IsServiceLink(std::string_view name, std::string_view value) {
  const size_t scheme = value.find("://");
  if (scheme != std::string_view::npos && scheme > 0 &&
      (name == "PORT" || name.ends_with("_PORT"))) {
    return true;
  }
  if (name.ends_with("SERVICE_HOST") || name.find("SERVICE_PORT") != std::string_view::npos) {
    return true;
  }
  // PORT_6379_TCP and, with more behind it, PORT_6379_TCP_ADDR.
  const size_t port = name.find("PORT_");
  if (port == std::string_view::npos) return false;
  const std::string_view rest = name.substr(port + 5);
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const std::string_view protocol = rest.substr(digits, 4);
  return digits > 0 && (protocol == "_TCP" || protocol == "_UDP" || protocol == "_SCT");
}

// How an option's name ends for somebody who takes the syntax for that of another format.
constexpr std::string_view kNameEnds = " \t\"'=:";

}  // namespace

std::string ShownName(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("\"'"), word.size()));
  word = word.substr(0, word.find_first_of(kNameEnds));
  const std::string lower = ToLower(word);
  for (const Option& option : Options()) {
    if (option.Has(kSecret) && lower.starts_with(option.name)) {
      return std::string(word.substr(0, option.name.size()));
    }
  }
  return std::string(word);
}

std::string NameHint(const std::string& shown) {
  return FindOption(shown) ? "a blank goes between the name and its value" : Suggestion(shown);
}

std::optional<std::vector<std::string>> UnpackWords(const Option& option,
                                                    std::vector<std::string> words) {
  const bool packed = option.Has(kMultiArg) && words.size() == 1 && !words.front().empty();
  return packed ? SplitWords(words.front()) : std::move(words);
}

void Loader::LoadFile(const std::string& path, const std::string& included_from) {
  std::string text;
  if (const auto error = ReadWholeFile(path, text)) {
    const std::string from = included_from.empty() ? "" : included_from + ": ";
    AddError(from + "cannot read the configuration file '" + path + "': " + *error);
    return;
  }
  LoadText(path, text);
}

void Loader::LoadStandardInput() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  LoadText("standard input", text);
}

void Loader::LoadDefaults(const std::map<std::string, std::string>& environment) {
  const auto found = environment.find(std::string(kDefaultsVariable));
  if (found != environment.end()) LoadText(found->first, found->second);
}

void Loader::LoadText(const std::string& path, const std::string& text) {
  std::istringstream in(text);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ApplyLine(path + ':' + std::to_string(++number), line);
  }
}

void Loader::ApplyLine(const std::string& where, std::string_view line) {
  const std::string_view trimmed = TrimSpace(line);
  if (trimmed.empty() || trimmed.front() == '#') return;
  const std::optional<std::vector<std::string>> words = SplitWords(trimmed);
  if (!words) {
    AddError(Located(where, line, "unbalanced quotes"));
    return;
  }
  Apply(where, line, words->front(), {words->begin() + 1, words->end()});
}

void Loader::Apply(const std::string& where, std::string_view line, const std::string& name,
                   const std::vector<std::string>& words) {
  const std::optional<OptionMatch> match = FindOption(name);
  if (!match) {
    const std::string shown = ShownName(name);
    AddError(Located(where, line, "unknown directive '" + shown + "'; " + NameHint(shown)));
    return;
  }
  const Option& option = match->option();
  if (option.kind == Kind::kDirective) {
    ApplyDirective(where, line, *match, words);
    return;
  }
  if (words.empty()) {
    ReportValue(where, line, *match, words);
    return;
  }
  const std::optional<std::vector<std::string>> values = UnpackWords(option, words);
  if (!values) {
    AddError(Located(where, line, "unbalanced quotes"));
    return;
  }
  const bool accumulate = !layered_.insert(match->index).second;
  if (values_.Assign(match->index, *values, accumulate)) {
    ReportValue(where, line, *match, *values);
    return;
  }
  if (option.Has(kRefused)) {
    places_[match->index] = {where, std::string(line)};
  } else if (option.Has(kAccepted)) {
    ignored_.push_back(match->index);
  }
}

void Loader::ApplyDirective(const std::string& where, std::string_view line,
                            const OptionMatch& match, const std::vector<std::string>& words) {
  const Option& option = match.option();
  const auto count = static_cast<int64_t>(words.size());
  if (count < option.min || count > option.max) {
    ReportValue(where, line, match, words);
  } else if (option.name == "include") {
    ApplyInclude(where, words.front());
  } else if (option.name == "rename-command") {
    const auto error = rename_ ? rename_(words[0], words[1]) : std::nullopt;
    if (error) AddError(Located(where, line, *error));
  } else if (!option.Has(kRefused)) {
    ignored_.push_back(match.index);
    ignored_directives_.insert(match.index);
  } else if (option.name != "user" || !AllowsEverything(words)) {
    AddError(
        Located(where, line, std::string(option.name) + ": " + std::string(option.consequence)));
  }
}

void Loader::CheckPromises() {
  for (const auto& [index, place] : places_) {
    if (!values_.IsRefused(index)) continue;
    const Option& option = Options()[index];
    AddError(Located(place.where, place.line,
                     std::string(option.name) + ": " + std::string(option.consequence)));
  }
}

void Loader::ReportValue(const std::string& where, std::string_view line, const OptionMatch& match,
                         const std::vector<std::string>& words) {
  const Option& option = match.option();
  std::string what = std::string(match.spelling()) + ": ";
  if (words.empty()) {
    what += "a value is missing";
  } else {
    what += option.Has(kSecret) ? "the value" : "'" + JoinWords(words) + "'";
    what += " is not valid";
  }
  AddError(Located(where, line, what + "; expected " + Expectation(option)));
}

void Loader::ApplyInclude(const std::string& where, const std::string& pattern) {
  // One report is enough, and files that include each other twice would never end otherwise.
  if (too_deep_) return;
  if (depth_ >= kIncludeDepthMax) {
    too_deep_ = true;
    AddError(Located(where, {},
                     "include '" + pattern + "': files include each other more than " +
                         std::to_string(kIncludeDepthMax) + " deep"));
    return;
  }
  ++depth_;
  if (pattern.find_first_of("*?[") == std::string::npos) {
    LoadFile(pattern, where);
  } else {
    // No match is fine: that is how an empty conf.d folder looks.
    glob_t found{};
    // Files are read before there is a second thread.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) LoadFile(found.gl_pathv[i], where);
    }
    ::globfree(&found);
  }
  --depth_;
}

void Loader::LoadEnvironment(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> links;
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kEnvironmentPrefix) || variable == kDefaultsVariable) continue;
    std::string name = variable.substr(kEnvironmentPrefix.size());
    if (IsServiceLink(name, value)) {
      links.push_back(variable);
      continue;
    }
    if (name == "RENAME_COMMAND") {
      AddError(variable + ": commands are renamed in the configuration file or by flags only");
      continue;
    }
    if (const std::optional<OptionMatch> match = FindVariable(variable)) {
      Apply(variable, {}, std::string(match->spelling()), {value});
      continue;
    }
    name = ToLower(name);
    std::replace(name.begin(), name.end(), '_', '-');
    std::string warning = "the environment variable ";
    warning += variable;
    warning += " is no option and was ignored; the nearest one is ";
    warning += VariableName(NearestOption(name).name);
    warnings_.push_back(std::move(warning));
  }
  if (!links.empty()) {
    warnings_.push_back(
        "these environment variables look like those of a Kubernetes service and were ignored: " +
        JoinNames(links));
  }
}

std::vector<std::string> Loader::Warnings() const {
  std::vector<std::string> all;
  std::map<NoEffect, std::vector<size_t>> by_reason;
  std::set<size_t> seen;
  for (const size_t index : ignored_) {
    if (!seen.insert(index).second) continue;
    const Option& option = Options()[index];
    if (!option.consequence.empty() && !values_.IsDefault(index)) {
      all.push_back(std::string(option.name) + ": " + std::string(option.consequence));
    } else {
      by_reason[option.no_effect].push_back(index);
    }
  }
  all.insert(all.end(), warnings_.begin(), warnings_.end());
  for (const auto& [reason, indexes] : by_reason) {
    std::vector<std::string> names;
    std::vector<std::string> changed;
    for (const size_t index : indexes) {
      names.emplace_back(Options()[index].name);
      // A line that states the default changes nothing; the others deserve to be pointed out.
      if (!values_.IsDefault(index) || ignored_directives_.contains(index)) {
        changed.emplace_back(Options()[index].name);
      }
    }
    std::string warning = "without effect, as ";
    warning += ReasonText(reason);
    warning += ": " + JoinNames(names);
    if (!changed.empty()) warning += "; set to other than the default: " + JoinNames(changed);
    all.push_back(std::move(warning));
  }
  return all;
}

}  // namespace mantis::config
