// mantisd: wiring only. Reads the command line, puts the parts together, serves.
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "config/command_line.h"
#include "engine/keyspace/engine.h"
#include "engine/persist/atomic_file.h"
#include "engine/reclaim/rcu.h"
#include "server/core/apply_settings.h"
#include "server/core/health_probe.h"
#include "server/core/log.h"
#include "server/core/process_setup.h"
#include "server/core/runtime.h"
#include "server/core/start_checks.h"
#include "server/core/supervision.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

int Ping(const config::StartPlan& plan) {
  // A relative path of the Unix socket counts from there. If it cannot be entered, the probe says
  // that nobody answers.
  (void)EnterDirectory(plan.store->snapshot()->dir);
  const ProbeResult result = ProbeServer(*plan.store->snapshot());
  std::fprintf(result.healthy ? stdout : stderr, "%s\n", result.text.c_str());
  return result.healthy ? 0 : result.loading ? 3 : 1;
}

int Refuse(Supervision& supervision, const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons) LogWarning(reason);
  LogWarning("Cannot start, exiting.");
  CloseLog();
  supervision.Failed(reasons.front());
  return 1;
}

// What stands in the way of serving with this configuration, outside of it.
int CheckFiles(const config::StartPlan& plan) {
  if (plan.exit_code == 0) {
    // If this fails, the problems that are found say so.
    (void)EnterDirectory(plan.store->snapshot()->dir);
    const std::vector<std::string> problems = FindFileProblems(*plan.store->snapshot());
    for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
    if (!problems.empty()) return 1;
  }
  std::fprintf(plan.exit_code == 0 ? stdout : stderr, "%s\n", plan.message.c_str());
  return plan.exit_code;
}

// Relative paths of the log, the pid file and the Unix socket count from `dir`, as in Redis.
std::optional<std::string> GoToDirectory(const config::Settings& settings) {
  const int error = EnterDirectory(settings.dir);
  if (error == 0) return std::nullopt;
  return "Can't chdir to '" + settings.dir + "': " + std::generic_category().message(error);
}

int Serve(const config::StartPlan& plan) {
  const auto settings = plan.store->snapshot();
  SetUpSignals();
  // Before anything starts a thread.
  Supervision supervision(*settings);
  auto error = supervision.error();
  if (!error) error = GoToDirectory(*settings);
  if (!error) error = OpenLog(settings->logfile, settings->loglevel);
  if (error) {
    std::fprintf(stderr, "%s\n", error->c_str());
    supervision.Failed(*error);
    return 1;
  }
  for (const std::string& warning : plan.warnings) LogWarning("WARNING: " + warning);
  if (!supervision.warning().empty()) LogWarning("WARNING: " + supervision.warning());
  const std::vector<std::string> problems = FindFileProblems(*settings);
  if (!problems.empty()) return Refuse(supervision, problems);
  const std::string snapshot = settings->dir + "/" + settings->dbfilename;
  for (const std::string& file : persist::RemoveAbandonedTemporaries(snapshot)) {
    LogNotice("Removed " + file + ", the unfinished snapshot of a process that is gone");
  }
  reclaim::Runtime reclamation;
  EngineOptions options;
  options.databases = settings->databases;
  options.cache = CacheOptionsOf(*settings);
  Engine engine(options);
  SharedState shared(engine, *plan.store);
  shared.config_file = plan.config_file;
  shared.executable = ExecutablePath();
  shared.run_id = MakeRunId();
  ServerRuntime runtime(shared, supervision);
  error = runtime.Start();
  if (error) return Refuse(supervision, {*error});
  for (const std::string& data : FindForeignData(*settings)) LogWarning("WARNING: " + data);
  const int code = runtime.Run();
  CloseLog();
  return code;
}

int Main(int argc, char** argv) {
  const config::StartPlan plan =
      config::ParseCommandLine(argc, argv, config::ProcessEnvironment(), CommandTable::Rename);
  switch (plan.action) {
    case config::StartAction::kRun:
      return Serve(plan);
    case config::StartAction::kPing:
      return Ping(plan);
    case config::StartAction::kHelp:
    case config::StartAction::kVersion:
      std::printf("%s\n", plan.message.c_str());
      return plan.exit_code;
    case config::StartAction::kCheckConfig:
      return CheckFiles(plan);
    case config::StartAction::kError:
      std::fprintf(plan.exit_code == 0 ? stdout : stderr, "%s\n", plan.message.c_str());
      return plan.exit_code;
  }
  return 1;
}

}  // namespace
}  // namespace mantis::server

int main(int argc, char** argv) {
  try {
    return mantis::server::Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mantisd: %s\n", e.what());
    return 1;
  }
}
