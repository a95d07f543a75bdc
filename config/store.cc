#include "config/store.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/glob.h"
#include "config/option_table.h"
#include "config/rewrite.h"

namespace mantis::config {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

std::string SetError(std::string_view name, const std::string& reason) {
  return "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
         reason;
}

bool IsListed(const Option& option) {
  return option.kind != Kind::kDirective && !option.Has(kHidden);
}

// Finds every row a Set names. Checks all of them before any value is looked at, as Redis does.
std::optional<std::string> FindAll(std::span<const Pair> pairs, bool protected_allowed,
                                   std::vector<OptionMatch>& matches) {
  for (const auto& [name, value] : pairs) {
    const std::optional<OptionMatch> match = FindOption(name);
    if (!match || match->option().kind == Kind::kDirective) {
      return "ERR Unknown option or number of arguments for CONFIG SET - '" + std::string(name) +
             "'";
    }
    if (match->option().Has(kImmutable)) return SetError(name, "can't set immutable config");
    if (match->option().Has(kProtected) && !protected_allowed) {
      return SetError(name, "can't set protected config");
    }
    // To Redis, an option and its alias are two names: the later one wins.
    const auto is_same = [&](const OptionMatch& other) {
      return other.index == match->index && other.by_alias == match->by_alias;
    };
    if (std::any_of(matches.begin(), matches.end(), is_same)) {
      return SetError(name, "duplicate parameter");
    }
    matches.push_back(*match);
  }
  return std::nullopt;
}

// A directory that cannot be entered is refused, as Redis's own chdir would.
std::optional<std::string> CheckDirectory(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return error.message();
  if (!std::filesystem::is_directory(status)) {
    return std::make_error_code(std::errc::not_a_directory).message();
  }
  return std::nullopt;
}

bool ProtectedAllowed(const Settings& settings, bool local_client) {
  return settings.enable_protected_configs == GuardedAction::kYes ||
         (settings.enable_protected_configs == GuardedAction::kLocal && local_client);
}

}  // namespace

ConfigStore::ConfigStore() : ConfigStore(Values(), {}) {}

ConfigStore::ConfigStore(Values values, std::string config_file)
    : config_file_(std::move(config_file)),
      values_(std::move(values)),
      settings_(std::make_shared<const Settings>(values_.Build())) {}

std::shared_ptr<const Settings> ConfigStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

std::vector<std::pair<std::string, std::string>> ConfigStore::Get(
    std::span<const std::string_view> globs) const {
  const Values values = CopyValues();
  std::vector<std::pair<std::string, std::string>> found;
  std::vector<OptionMatch> seen;
  const auto add = [&](OptionMatch match, std::string_view name) {
    const auto is_same = [&](const OptionMatch& other) {
      return other.index == match.index && other.by_alias == match.by_alias;
    };
    if (std::any_of(seen.begin(), seen.end(), is_same)) return;
    seen.push_back(match);
    found.emplace_back(name, values.Text(match.index));
  };
  for (const std::string_view glob : globs) {
    const GlobPattern pattern(glob, GlobPattern::Case::kIgnored);
    if (glob.find_first_of("[*?") == std::string_view::npos) {
      const std::optional<OptionMatch> match = FindOption(glob);
      // Redis answers an exact name in the spelling it was asked in.
      if (match && match->option().kind != Kind::kDirective) add(*match, glob);
      continue;
    }
    for (size_t i = 0; i < Options().size(); ++i) {
      const Option& option = Options()[i];
      if (!IsListed(option)) continue;
      if (pattern.Matches(option.name)) add({i, false}, option.name);
      if (!option.alias.empty() && pattern.Matches(option.alias)) add({i, true}, option.alias);
    }
  }
  return found;
}

std::optional<std::string> ConfigStore::Set(std::span<const Pair> pairs,
                                            std::vector<std::string_view>* changed,
                                            bool local_client) {
  const std::lock_guard writer(writer_mutex_);
  const std::shared_ptr<const Settings> before = snapshot();
  const Values old_values = CopyValues();

  std::vector<OptionMatch> matches;
  if (auto error = FindAll(pairs, ProtectedAllowed(*before, local_client), matches)) return error;

  Values values = old_values;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const OptionMatch& match = matches[i];
    std::optional<std::string> error =
        values.Assign(match.index, SplitForOption(match.option(), pairs[i].second));
    if (!error && match.option().kind == Kind::kDirectory) {
      error = CheckDirectory(values.Text(match.index));
    }
    if (!error && values.IsRefused(match.index)) error = std::string(match.option().consequence);
    if (error) return SetError(match.spelling(), *error);
  }

  std::vector<std::string_view> differing;
  for (size_t i = 0; i < Options().size(); ++i) {
    if (values.Text(i) != old_values.Text(i)) differing.push_back(Options()[i].name);
  }
  if (!differing.empty()) {
    if (hook_) {
      if (const auto error = hook_(*before, values.Build(), differing)) {
        return SetError(error->option, error->reason);
      }
    }
    Publish(std::move(values));
  }
  if (changed != nullptr) *changed = std::move(differing);
  return std::nullopt;
}

std::optional<std::string> ConfigStore::Rewrite() {
  const std::lock_guard writer(writer_mutex_);
  if (config_file_.empty()) return "ERR The server is running without a config file";
  return RewriteFile(config_file_, CopyValues());
}

void ConfigStore::SetApplyHook(ApplyHook hook) {
  const std::lock_guard writer(writer_mutex_);
  hook_ = std::move(hook);
}

std::vector<std::string> ConfigStore::DescribeChanges() const {
  const Values values = CopyValues();
  std::vector<std::string> lines;
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    if (values.IsDefault(i)) continue;
    if (option.Has(kSecret)) {
      lines.push_back(std::string(option.name) + " (hidden)");
      continue;
    }
    const std::vector<std::string> file_lines = FileLines(i, values.Text(i));
    lines.insert(lines.end(), file_lines.begin(), file_lines.end());
    if (file_lines.empty()) lines.push_back(std::string(option.name) + " \"\"");
  }
  return lines;
}

Values ConfigStore::CopyValues() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

void ConfigStore::Publish(Values values) {
  auto settings = std::make_shared<const Settings>(values.Build());
  {
    const std::lock_guard lock(mutex_);
    values_ = std::move(values);
    settings_ = std::move(settings);
  }
  // Release pairs with version()'s acquire: who sees the new number finds the new snapshot.
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace mantis::config
