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

// The line as it may be shown: what follows a name that is, or was meant to be, that of a password
// option stays hidden.
std::string Shown(std::string_view line) {
  const std::string_view trimmed = TrimSpace(line);
  const std::string name(trimmed.substr(0, trimmed.find_first_of(" \t\"'=")));
  if (name.empty()) return std::string(trimmed);
  std::optional<OptionMatch> match = FindOption(name);
  if (!match) match = FindOption(NearestOption(name).name);
  const bool holds_secret = match && (match->option().Has(kSecret) || name == "user");
  return holds_secret ? name + " (hidden)" : std::string(trimmed);
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

}  // namespace

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
    AddError(Located(where, line, "unknown directive '" + name + "'; " + Suggestion(name)));
    return;
  }
  const Option& option = match->option();
  if (option.kind == Kind::kDirective) {
    const auto count = static_cast<int64_t>(words.size());
    if (count < option.min || count > option.max) {
      ReportValue(where, line, *match, words);
    } else if (option.name == "include") {
      ApplyInclude(where, words.front());
    } else {
      ignored_.push_back(match->index);
      ignored_directives_.insert(match->index);
    }
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
  // Asking for no snapshots is asking for what happens anyway.
  const bool asks_nothing = option.kind == Kind::kSavePoints && values_.Text(match->index).empty();
  if (option.Has(kAccepted) && !asks_nothing) ignored_.push_back(match->index);
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
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kEnvironmentPrefix)) continue;
    const std::optional<OptionMatch> match = FindVariable(variable);
    if (!match) {
      std::string name = ToLower(variable.substr(kEnvironmentPrefix.size()));
      std::replace(name.begin(), name.end(), '_', '-');
      const std::string near = VariableName(NearestOption(name).name);
      std::string warning = "the environment variable ";
      warning += variable;
      warning += " is no option and was ignored; the nearest one is ";
      warning += near;
      warnings_.push_back(std::move(warning));
      continue;
    }
    Apply(variable, {}, std::string(match->spelling()), {value});
  }
}

std::vector<std::string> Loader::Warnings() const {
  std::vector<std::string> names;
  std::vector<std::string> changed;
  std::set<size_t> seen;
  for (const size_t index : ignored_) {
    if (!seen.insert(index).second) continue;
    names.emplace_back(Options()[index].name);
    // A line that states the default changes nothing; the others deserve to be pointed out.
    if (!values_.IsDefault(index) || ignored_directives_.contains(index)) {
      changed.emplace_back(Options()[index].name);
    }
  }
  std::vector<std::string> all = warnings_;
  if (!names.empty()) {
    std::string warning = "these directives have no effect in this version: " + JoinNames(names);
    if (!changed.empty())
      warning += "; of these, set to other than the default: " + JoinNames(changed);
    all.push_back(std::move(warning));
  }
  return all;
}

}  // namespace mantis::config
