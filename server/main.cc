// mantisd: wiring only. Reads the command line, puts the parts together, serves.
#include <cstdio>
#include <exception>

#include "config/command_line.h"
#include "engine/keyspace/engine.h"
#include "engine/reclaim/rcu.h"
#include "server/core/apply_settings.h"
#include "server/core/health_probe.h"
#include "server/core/log.h"
#include "server/core/persistence.h"
#include "server/core/process_setup.h"
#include "server/core/runtime.h"

namespace mantis::server {
namespace {

int Ping(const config::StartPlan& plan) {
  const ProbeResult result = ProbeServer(*plan.store->snapshot());
  std::fprintf(result.healthy ? stdout : stderr, "%s\n", result.text.c_str());
  return result.healthy ? 0 : 1;
}

int Serve(const config::StartPlan& plan) {
  const auto settings = plan.store->snapshot();
  SetUpSignals();
  if (const auto error = OpenLog(settings->logfile, settings->loglevel)) {
    std::fprintf(stderr, "%s\n", error->c_str());
    return 1;
  }
  for (const std::string& warning : plan.warnings) LogWarning("WARNING: " + warning);
  if (settings->daemonize) {
    LogWarning("WARNING: daemonize is accepted but has no effect: mantisd stays in the foreground");
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
  ServerRuntime runtime(shared);
  runtime.on_stop = [&shared](SaveOnStop mode) {
    const auto error = shared.persistence->SaveAtStop(mode);
    if (error) LogWarning("Error trying to save the DB: " + *error);
    return !error;
  };
  auto error = shared.persistence->LoadAtStart();
  if (!error) error = runtime.Start();
  if (error) {
    LogWarning(*error);
    LogWarning("Cannot start, exiting.");
    CloseLog();
    return 1;
  }
  const int code = runtime.Run();
  CloseLog();
  return code;
}

int Main(int argc, char** argv) {
  const config::StartPlan plan = config::ParseCommandLine(argc, argv, config::ProcessEnvironment());
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
