#include "config/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/conf_file.h"
#include "config/option_table.h"
#include "config/words.h"

namespace mantis::config {
namespace {

constexpr std::string_view kVersion = MANTIS_VERSION;

// argv after sorting out which word belongs to which option. `arguments` is in the one form CLI11
// needs no guessing for: each occurrence of an option is followed by one word that holds all of
// its values, quoted.
struct Grouped {
  std::vector<std::string> arguments;
  std::optional<std::string> config_file;
  std::vector<std::string> errors;
};

bool IsModeFlag(std::string_view word) {
  constexpr std::string_view kFlags[] = {"-h",        "--help",         "-v",
                                         "--version", "--check-config", "--ping"};
  return std::find(std::begin(kFlags), std::end(kFlags), word) != std::end(kFlags);
}

std::string_view BeforeEquals(std::string_view word) { return word.substr(0, word.find('=')); }

// Those that answer something and are all there is on the command line, so that one that got there
// by mistake does not make a container look like a success.
bool StandsAlone(std::string_view word) {
  return IsModeFlag(word) && word != "--check-config" && word != "--ping";
}

// No value of an option that takes several looks like that: addresses, numbers, a few words.
bool LooksLikePath(std::string_view word) {
  return word.starts_with('/') || word.starts_with("./") || word.starts_with("../") ||
         word.ends_with(".conf");
}

// A mode flag, or "--name" for a name the table knows; what else has dashes may be a value.
bool IsOption(std::string_view word) {
  return IsModeFlag(word) ||
         (word.starts_with("--") && FindOption(BeforeEquals(word.substr(2))).has_value());
}

class Grouper {
 public:
  explicit Grouper(std::vector<std::string> words) : words_(std::move(words)) {}

  Grouped Run() {
    while (at_ < words_.size()) {
      const std::string word = words_[at_++];
      const bool is_flag = word.starts_with("-") && word != "-";
      if (only_file_left_ || !is_flag) {
        TakeFile(word);
      } else if (StandsAlone(word) && words_.size() > 1) {
        grouped_.errors.push_back("'" + word + "' goes with nothing else");
      } else if (IsModeFlag(word)) {
        grouped_.arguments.push_back(word);
      } else if (word == "--") {
        only_file_left_ = true;
      } else if (word.starts_with("--")) {
        TakeOption(word);
      } else {
        grouped_.errors.push_back("unknown flag '" + ShownName(word) + "'; options start with --");
      }
    }
    return std::move(grouped_);
  }

 private:
  void TakeFile(const std::string& word) {
    if (grouped_.config_file) {
      grouped_.errors.push_back("unexpected argument '" + word + "'");
    } else {
      grouped_.config_file = word;
    }
  }

  void TakeOption(const std::string& word) {
    std::string name = word.substr(2);
    std::vector<std::string> values;
    const size_t equals = name.find('=');
    const size_t blank = name.find_first_of(" \t");
    bool takes_more = true;
    if (blank < equals) {
      // Redis takes "--port 7000" as one argument, too.
      const auto split = SplitWords(name);
      if (!split || split->empty()) {
        grouped_.errors.push_back("unbalanced quotes in '--" + name.substr(0, blank) + "'");
        return;
      }
      values.assign(split->begin() + 1, split->end());
      name = split->front();
      takes_more = values.empty();
    } else if (equals != std::string::npos) {
      values.push_back(name.substr(equals + 1));
      name.resize(equals);
      takes_more = false;
    }
    const std::optional<OptionMatch> match = FindOption(name);
    if (!match) {
      const std::string shown = ShownName(name);
      grouped_.errors.push_back("unknown option '--" + shown + "'; " + NameHint(shown));
      while (takes_more && at_ < words_.size() && !words_[at_].starts_with("--")) ++at_;
      return;
    }
    if (takes_more) TakeValues(match->option(), values);
    // Scripts that build a command line from an empty list leave a bare --save behind.
    if (values.empty() && ToLower(name) == "save") values.emplace_back();
    std::string joined;
    for (const std::string& value : values) joined += QuoteWord(value) + ' ';
    grouped_.arguments.push_back("--" + ToLower(name));
    grouped_.arguments.push_back(joined);
  }

  void TakeValues(const Option& option, std::vector<std::string>& values) {
    size_t most = option.Has(kMultiArg) ? words_.size() : 1;
    if (option.kind == Kind::kDirective) most = static_cast<size_t>(option.max);
    // The first value may look like anything but an option: passwords do start with dashes.
    while (at_ < words_.size() && values.size() < most && !IsOption(words_[at_])) {
      const std::string& word = words_[at_];
      if (!values.empty() && word.starts_with("--")) break;
      if (option.kind != Kind::kDirective && most > 1 && LooksLikePath(word)) break;
      values.push_back(word);
      ++at_;
    }
  }

  std::vector<std::string> words_;
  size_t at_ = 0;
  bool only_file_left_ = false;  // after "--"
  Grouped grouped_;
};

std::string Description(const Option& option) {
  std::string text(option.help);
  if (option.kind == Kind::kEnum) text += ": " + std::string(option.choices);
  if (!option.default_text.empty()) text += " (" + std::string(option.default_text) + ")";
  return text;
}

std::string Placeholder(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return "yes|no";
    case Kind::kInteger:
      return "N";
    case Kind::kOctal:
      return "MODE";
    case Kind::kMemory:
      return "SIZE";
    case Kind::kDirectory:
      return "DIR";
    case Kind::kFileName:
      return "NAME";
    case Kind::kEnum:
      return "WORD";
    default:
      return "TEXT";
  }
}

struct Parser {
  CLI::App app{"MantisDB: an in-memory key-value server that speaks the Redis protocol", "mantisd"};
  std::vector<std::pair<size_t, CLI::Option*>> options;  // row -> its flag
  bool version = false;
  bool check_config = false;
  bool ping = false;
};

// The names of the options without effect, in lines: those that are refused at another value than
// their default, or the others.
std::string NamesWithoutEffect(bool refused) {
  constexpr size_t kColumns = 98;
  std::string text;
  size_t column = kColumns;
  for (const Option& option : Options()) {
    if (!option.Has(kAccepted) || option.Has(kHidden) || option.Has(kRefused) != refused) continue;
    const bool wraps = column + 1 + option.name.size() > kColumns;
    text += (wraps ? "\n  " : " ") + std::string(option.name);
    column = (wraps ? 2 : column + 1) + option.name.size();
  }
  return text;
}

std::string Footer() {
  return "Options win over environment variables (MANTIS_MAXMEMORY_POLICY for "
         "--maxmemory-policy), and\n"
         "these over the configuration file, which is in redis.conf's syntax. Defaults are shown "
         "in\n"
         "brackets; config/mantisd.conf explains every option.\n\n"
         "Accepted as Redis has them, without effect in this version:" +
         NamesWithoutEffect(false) +
         "\n\nRefused if they ask for anything, as what they promise is not there in this "
         "version:" +
         NamesWithoutEffect(true);
}

// Everything CLI11 knows comes from the table.
void BuildParser(Parser& parser) {
  CLI::App& app = parser.app;
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_flag("-v,--version", parser.version, "Print the version and exit");
  app.add_flag("--check-config", parser.check_config,
               "Check all settings, say what is wrong with them, and exit");
  app.add_flag(
      "--ping", parser.ping,
      "Ask the server these settings belong to for a PONG; exit 0 if it gives one, 3 while "
      "it is loading");
  app.add_option("config-file", "Configuration file; - reads standard input");
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    std::string names = "--" + std::string(option.name);
    if (!option.alias.empty()) names += ",--" + std::string(option.alias);
    const bool shown = !option.Has(kAccepted) && !option.Has(kHidden);
    // Results are fetched as text, so there is no variable to bind.
    const CLI::callback_t no_target = [](const CLI::results_t&) { return true; };
    CLI::Option* flag = app.add_option(names, no_target, Description(option))
                            ->take_all()
                            ->type_name(Placeholder(option.kind))
                            ->group(shown ? std::string(SectionTitle(option.section)) : "");
    parser.options.emplace_back(i, flag);
  }
  app.get_formatter()->column_width(38);
  app.footer(Footer());
}

void ApplyFlags(const Parser& parser, Loader& loader) {
  loader.StartLayer();
  for (const auto& [index, flag] : parser.options) {
    for (const std::string& joined : flag->results()) {
      const std::string name(Options()[index].name);
      loader.Apply("--" + name, {}, name, SplitWords(joined).value_or(std::vector<std::string>{}));
    }
  }
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

std::string JoinLines(const std::vector<std::string>& lines, std::string_view indent) {
  std::string text;
  for (const std::string& line : lines) text += std::string(indent) + line + '\n';
  return text;
}

std::string CheckReport(const StartPlan& plan) {
  std::string text = "The configuration is valid.\n";
  if (!plan.config_file.empty()) text += "File: " + plan.config_file + '\n';
  const std::vector<std::string> changes = plan.store->DescribeChanges();
  if (!changes.empty()) text += "Other than the defaults:\n" + JoinLines(changes, "  ");
  return text + JoinLines(plan.warnings, "warning: ");
}

StartPlan Fail(StartPlan plan, const std::vector<std::string>& errors) {
  plan.exit_code = 1;
  plan.store = nullptr;
  plan.message = JoinLines(errors, "");
  return plan;
}

void LoadLayers(const Parser& parser, const Grouped& grouped,
                const std::map<std::string, std::string>& environment, Loader& loader,
                StartPlan& plan) {
  if (grouped.config_file) {
    if (*grouped.config_file == "-") {
      loader.LoadStandardInput();
    } else {
      plan.config_file = AbsolutePath(*grouped.config_file);
      loader.LoadFile(plan.config_file);
    }
  } else {
    loader.LoadDefaults(environment);
  }
  loader.StartLayer();
  loader.LoadEnvironment(environment);
  ApplyFlags(parser, loader);
}

}  // namespace

StartPlan ParseCommandLine(int argc, const char* const* argv,
                           const std::map<std::string, std::string>& environment,
                           RenameCommand rename) {
  Grouped grouped = Grouper({argv + std::min(argc, 1), argv + argc}).Run();
  Parser parser;
  BuildParser(parser);
  StartPlan plan;
  try {
    // CLI11 wants its vector back to front.
    std::vector<std::string> reversed(grouped.arguments.rbegin(), grouped.arguments.rend());
    parser.app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    plan.action = StartAction::kHelp;
    plan.message = parser.app.help();
    return plan;
  } catch (const CLI::ParseError& error) {
    return Fail(std::move(plan), {error.what()});
  }
  if (parser.version && grouped.errors.empty()) {
    plan.action = StartAction::kVersion;
    plan.message = "mantisd " + std::string(kVersion);
    return plan;
  }

  Loader loader(std::move(rename));
  for (std::string& error : grouped.errors) loader.AddError(std::move(error));
  LoadLayers(parser, grouped, environment, loader, plan);
  loader.CheckPromises();
  plan.warnings = loader.Warnings();
  if (parser.check_config) plan.action = StartAction::kCheckConfig;
  if (!loader.errors().empty()) return Fail(std::move(plan), loader.errors());

  plan.store = std::make_shared<ConfigStore>(loader.values(), plan.config_file);
  if (parser.check_config) {
    plan.message = CheckReport(plan);
  } else {
    plan.action = parser.ping ? StartAction::kPing : StartAction::kRun;
  }
  return plan;
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace mantis::config
