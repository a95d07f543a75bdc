// Reading directives in redis.conf's syntax into Values, and gathering what is wrong with them.
//
// Purpose: one loader takes the file's lines, environment variables and flags, layer by layer; a
// later layer replaces what an earlier one set.
// Thread safety: one loader belongs to one thread.
// Ownership: the loader owns the values and messages it gathers.
// Invariant: values() holds only what passed its checks; errors() says what did not, never showing
// a password.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/option_table.h"
#include "config/values.h"

namespace mantis::config {

// `save "900 1"` and `save 900 1` are the same: takes a lone word apart where the row takes
// several. Nothing for unbalanced quotes within it.
[[nodiscard]] std::optional<std::vector<std::string>> UnpackWords(const Option& option,
                                                                  std::vector<std::string> words);

// The part of a word that may be shown as the name of an option: what stands before a blank, a
// quote, '=' or ':', and of a word that starts with the name of a password option that name only.
[[nodiscard]] std::string ShownName(std::string_view word);

// How to mend a name that is unknown as it stands, for a name that ShownName gave.
[[nodiscard]] std::string NameHint(const std::string& shown);

// Renames a command, or removes it where the new name is empty. Returns what is wrong, in Redis's
// words, or nothing.
using RenameCommand =
    std::function<std::optional<std::string>(const std::string& name, const std::string& new_name)>;

class Loader {
 public:
  // Without `rename`, lines that rename commands are only checked for their form.
  explicit Loader(RenameCommand rename = {}) : rename_(std::move(rename)) {}

  // What follows replaces save points of earlier layers instead of adding to them.
  void StartLayer() { layered_.clear(); }

  // Reads a whole file and what it includes. `included_from` is the line that asked for it.
  void LoadFile(const std::string& path, const std::string& included_from = {});
  void LoadStandardInput();
  // Reads the lines of the variable MANTIS_DEFAULTS, which stand in for a file where none is given.
  void LoadDefaults(const std::map<std::string, std::string>& environment);

  // Applies one directive. `where` is "file:line", a flag or a variable; `line` is what stood
  // there, empty where `where` says it all.
  void Apply(const std::string& where, std::string_view line, const std::string& name,
             const std::vector<std::string>& words);

  // Every MANTIS_* variable; what is no option is a warning only, as others may own the prefix. So
  // are the variables that Kubernetes makes for a service called mantis, although one of them has
  // the name of an option: MANTIS_PORT=tcp://10.0.0.1:6379.
  void LoadEnvironment(const std::map<std::string, std::string>& environment);

  void AddError(std::string error) { errors_.push_back(std::move(error)); }

  // Once all layers are read: an error for each option whose value promises what is not given.
  void CheckPromises();

  [[nodiscard]] const Values& values() const { return values_; }
  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

  // Warnings so far, the graver ones first. Those about directives without effect are one line for
  // each reason.
  [[nodiscard]] std::vector<std::string> Warnings() const;

 private:
  void LoadText(const std::string& path, const std::string& text);
  void ApplyLine(const std::string& where, std::string_view line);
  void ApplyDirective(const std::string& where, std::string_view line, const OptionMatch& match,
                      const std::vector<std::string>& words);
  void ApplyInclude(const std::string& where, const std::string& pattern);
  void ReportValue(const std::string& where, std::string_view line, const OptionMatch& match,
                   const std::vector<std::string>& words);

  // Where an option got its value.
  struct Place {
    std::string where;
    std::string line;
  };

  RenameCommand rename_;
  Values values_;
  std::map<size_t, Place> places_;  // of options that are refused at some values
  std::set<size_t> layered_;        // options this layer has set already
  int depth_ = 0;                   // of includes
  bool too_deep_ = false;           // includes are followed no further
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  std::vector<size_t> ignored_;  // rows without effect, in the order they came up
  std::set<size_t> ignored_directives_;
};

}  // namespace mantis::config
