// From argv, environment and configuration file to a decision: run, or say something and leave.
//
// Purpose: the one entry point main() needs. Flags win over environment, environment over file,
// file over defaults. All problems are gathered, so that a user mends them in one go.
// Thread safety: a pure function of its arguments and of the files it reads.
// Ownership: the plan owns everything in it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/conf_file.h"
#include "config/settings.h"
#include "config/store.h"

namespace mantis::config {

enum class StartAction { kRun, kHelp, kVersion, kCheckConfig, kPing, kError };

struct StartPlan {
  StartAction action = StartAction::kError;
  std::string message;  // help, version, the result of --check-config, or what is wrong
  int exit_code = 0;    // for every action but kRun and kPing
  // Set for kRun, kPing and a --check-config that found no problem.
  std::shared_ptr<ConfigStore> store;
  std::vector<std::string> warnings;  // to be logged once the log is open
  std::string config_file;            // absolute path, empty when none was given
};

// `mantisd [--option value ...] [config-file]`, in this order or, Redis's way, the file first.
// Values follow their option, several where the option takes several; `--option=value` does as
// well. After `--` there is nothing but the file. `environment` holds NAME -> value; only MANTIS_*
// are looked at. One of them, MANTIS_DEFAULTS, holds lines that stand in for the file where none is
// given: an image brings its defaults so, without overruling the file of its user. `rename` is
// called for each rename-command, in the order of the lines.
[[nodiscard]] StartPlan ParseCommandLine(int argc, const char* const* argv,
                                         const std::map<std::string, std::string>& environment,
                                         RenameCommand rename = {});

// The environment of this process in the form ParseCommandLine takes.
[[nodiscard]] std::map<std::string, std::string> ProcessEnvironment();

}  // namespace mantis::config
