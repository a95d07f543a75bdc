#include "config/command_line.h"

#include <gtest/gtest.h>

#include <fstream>

#include "config/option_table.h"
#include "test_files.h"

namespace mantis::config {
namespace {

using Environment = std::map<std::string, std::string>;

StartPlan Parse(const std::vector<std::string>& words, const Environment& environment = {}) {
  std::vector<const char*> argv{"mantisd"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data(), environment);
}

// For command lines that must be fine.
std::shared_ptr<const Settings> Started(const std::vector<std::string>& words,
                                        const Environment& environment = {}) {
  const StartPlan plan = Parse(words, environment);
  EXPECT_EQ(plan.action, StartAction::kRun) << plan.message;
  return plan.store ? plan.store->snapshot() : ConfigStore().snapshot();
}

void ExpectError(const StartPlan& plan, const std::string& message) {
  EXPECT_EQ(plan.action, StartAction::kError);
  EXPECT_EQ(plan.exit_code, 1);
  EXPECT_EQ(plan.store, nullptr);
  EXPECT_EQ(plan.message, message + "\n");
}

TEST(CommandLine, NothingGivenRunsOnDefaults) {
  const StartPlan plan = Parse({});
  EXPECT_EQ(plan.action, StartAction::kRun);
  EXPECT_EQ(plan.warnings, std::vector<std::string>{});
  EXPECT_EQ(plan.config_file, "");
  EXPECT_EQ(plan.store->snapshot()->port, 6379);
  EXPECT_EQ(ParseCommandLine(0, nullptr, {}).action, StartAction::kRun);
}

TEST(CommandLine, FlagsOverEnvironmentOverFile) {
  const TestFolder folder;
  const std::string path = folder.Write(
      "m.conf", "port 1\ntimeout 1\ntcp-backlog 1\nsave 1 1\nsave 2 2\nhz 20\nbind 1.1.1.1\n");
  const StartPlan plan =
      Parse({path, "--port", "3", "--save", "3", "3"}, {{"MANTIS_PORT", "2"},
                                                        {"MANTIS_TIMEOUT", "2"},
                                                        {"MANTIS_BIND", "0.0.0.0 ::"},
                                                        {"MANTIS_SAVE", "9 9"},
                                                        {"PATH", "/bin"}});
  ASSERT_EQ(plan.action, StartAction::kRun) << plan.message;
  EXPECT_EQ(plan.config_file, path);
  EXPECT_EQ(plan.store->config_file(), path);
  const auto settings = plan.store->snapshot();
  EXPECT_EQ(settings->port, 3);
  EXPECT_EQ(settings->timeout, 2);
  EXPECT_EQ(settings->tcp_backlog, 1);
  EXPECT_EQ(settings->hz, 20);
  EXPECT_EQ(settings->bind, (std::vector<std::string>{"0.0.0.0", "::"}));
  EXPECT_EQ(settings->save, (std::vector<SavePoint>{{3, 3}}));
}

TEST(CommandLine, EveryOptionHasAFlagAndAVariable) {
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    if (option.kind == Kind::kDirective) continue;
    const std::string text = DefaultText(i);
    EXPECT_EQ(Parse({"--" + std::string(option.name), text}).action, StartAction::kRun)
        << option.name;
    std::string variable = "MANTIS_";
    for (const char c : option.name) {
      variable.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(c)));
    }
    for (const std::string& warning : Parse({}, {{variable, text}}).warnings) {
      EXPECT_EQ(warning.find("environment"), std::string::npos) << warning;
    }
  }
}

TEST(CommandLine, RedisWaysOfWritingFlags) {
  EXPECT_EQ(Started({"--port=7"})->port, 7);
  EXPECT_EQ(Started({"--port 7"})->port, 7);
  EXPECT_EQ(Started({"--PORT", "7"})->port, 7);
  EXPECT_EQ(Started({"--port", "7", "--port", "8"})->port, 8);
  EXPECT_EQ(Started({"--maxmemory", "100mb"})->maxmemory, 104857600);
  EXPECT_EQ(Started({"--threads", "4"})->threads, 4);
  EXPECT_EQ(Started({"--list-max-listpack-size", "-3"})->list_max_listpack_size, -3);
  EXPECT_EQ(Started({"--list-max-ziplist-size", "-3"})->list_max_listpack_size, -3);
  EXPECT_EQ(Started({"--bind", "127.0.0.1", "-::1", "--hz", "9"})->bind,
            (std::vector<std::string>{"127.0.0.1", "-::1"}));
  EXPECT_EQ(Started({"--bind=-::1"})->bind, (std::vector<std::string>{"-::1"}));
  EXPECT_EQ(Started({"--bind", ""})->bind, std::vector<std::string>{});
  EXPECT_EQ(Started({"--requirepass", "--not-an-option"})->requirepass, "--not-an-option");
  EXPECT_EQ(Started({"--requirepass", "{} [a] \"x\" 'y' \\"})->requirepass, "{} [a] \"x\" 'y' \\");
  EXPECT_EQ(Started({"--requirepass", ""})->requirepass, "");
  EXPECT_EQ(Started({"--requirepass="})->requirepass, "");
  EXPECT_EQ(Started({"--requirepass=a=b"})->requirepass, "a=b");
}

TEST(CommandLine, SavePoints) {
  const std::vector<SavePoint> two{{60, 1}, {300, 10}};
  EXPECT_EQ(Started({"--save", "60", "1", "300", "10"})->save, two);
  EXPECT_EQ(Started({"--save", "60 1 300 10"})->save, two);
  EXPECT_EQ(Started({"--save", "60 1", "--save", "300 10"})->save, two);
  EXPECT_EQ(Started({"--save", "5 5", "--save", "", "--save", "60 1", "--save", "300 10"})->save,
            two);
  EXPECT_TRUE(Started({"--save", ""})->save.empty());
  EXPECT_TRUE(Started({"--save"})->save.empty());
  EXPECT_TRUE(Started({"--save", "--port", "7"})->save.empty());
  EXPECT_TRUE(Started({}, {{"MANTIS_SAVE", ""}})->save.empty());
  EXPECT_EQ(Parse({"--save", ""}).warnings, std::vector<std::string>{});
}

TEST(CommandLine, Modes) {
  const StartPlan help = Parse({"--help"});
  EXPECT_EQ(help.action, StartAction::kHelp);
  EXPECT_EQ(help.exit_code, 0);
  for (const Option& option : Options()) {
    if (option.Has(kHidden)) continue;
    EXPECT_NE(help.message.find(option.name), std::string::npos) << option.name;
  }
  EXPECT_EQ(Parse({"-h"}).action, StartAction::kHelp);
  EXPECT_EQ(Parse({"-v"}).action, StartAction::kVersion);
  EXPECT_TRUE(Parse({"--version"}).message.starts_with("mantisd "));
  const StartPlan ping = Parse({"--ping", "--port", "7", "--requirepass", "x"});
  EXPECT_EQ(ping.action, StartAction::kPing);
  EXPECT_EQ(ping.store->snapshot()->port, 7);
  EXPECT_EQ(ping.store->snapshot()->requirepass, "x");
}

TEST(CommandLine, CheckConfig) {
  const TestFolder folder;
  const std::string path =
      folder.Write("m.conf", "port 7000\nrequirepass hunter2\ntls-key-file-pass hunter2\n");
  const StartPlan good = Parse({"--check-config", path, "--maxmemory", "1gb"});
  EXPECT_EQ(good.action, StartAction::kCheckConfig);
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.message, "The configuration is valid.\nFile: " + path +
                              "\nOther than the defaults:\n  port 7000\n  requirepass (hidden)\n"
                              "  maxmemory 1gb\n  tls-key-file-pass (hidden)\nwarning: " +
                              good.warnings.at(0) + "\n");

  folder.Write("m.conf", "requirpass hunter2\nrequirepass hunter 2\nmasterauth 'hunter\nport x\n");
  const StartPlan bad = Parse({path, "--check-config"});
  EXPECT_EQ(bad.action, StartAction::kCheckConfig);
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.store, nullptr);
  EXPECT_EQ(bad.message.find("hunter"), std::string::npos) << bad.message;
  EXPECT_NE(bad.message.find(path + ":1: unknown directive 'requirpass'; did you mean "
                                    "'requirepass'?\n    >>> requirpass (hidden)\n"),
            std::string::npos)
      << bad.message;
  EXPECT_NE(bad.message.find(path + ":2: requirepass: the value is not valid; expected one word"),
            std::string::npos)
      << bad.message;
  EXPECT_NE(bad.message.find(path + ":3: unbalanced quotes"), std::string::npos);
  EXPECT_NE(bad.message.find(path + ":4: port: 'x' is not valid; expected an integer from 0 to "
                                    "65535\n    >>> port x\n"),
            std::string::npos)
      << bad.message;
}

TEST(CommandLine, ErrorsOfFlags) {
  ExpectError(Parse({"--prot", "5"}), "unknown option '--prot'; did you mean 'port'?");
  ExpectError(Parse({"--zzzzzzzzzzzzzzzz=5"}),
              "unknown option '--zzzzzzzzzzzzzzzz'; " + Suggestion("zzzzzzzzzzzzzzzz"));
  ExpectError(Parse({"-x"}), "unknown flag '-x'; options start with --");
  ExpectError(Parse({"--port"}),
              "--port: port: a value is missing; expected an integer from 0 to "
              "65535");
  ExpectError(Parse({"--port", "--hz", "5"}),
              "--port: port: a value is missing; expected an integer from 0 to 65535");
  ExpectError(Parse({"--port", "1", "/no/such/file"}),
              "cannot read the configuration file '/no/such/file': No such file or directory");
  ExpectError(Parse({"--port", "1", "-v"}), "'-v' goes with nothing else");
  ExpectError(Parse({"--port", "1", "-x"}), "unknown flag '-x'; options start with --");
  ExpectError(Parse({"--protected-mode", "1"}),
              "--protected-mode: protected-mode: '1' is not valid; expected yes or no");
  ExpectError(Parse({"--port 'x"}), "unbalanced quotes in '--port'");
  ExpectError(Parse({}, {{"MANTIS_PORT", "x"}}),
              "MANTIS_PORT: port: 'x' is not valid; expected an integer from 0 to 65535");
  const TestFolder folder;
  const std::string none = folder.Path("none.conf");
  ExpectError(Parse({none}),
              "cannot read the configuration file '" + none + "': No such file or directory");
  ExpectError(Parse({folder.Write("a.conf", ""), "b.conf"}), "unexpected argument 'b.conf'");
}

TEST(CommandLine, TheFileMayStandAnywhereAmongTheOptions) {
  const TestFolder folder;
  const std::string path = folder.Write("m.conf", "timeout 5\nport 1\n");
  const std::vector<std::vector<std::string>> lines = {
      {path, "--port", "7"},
      {"--port", "7", path},
      {"--port=7", path},
      {"--port", "7", "--", path},
      {"--port", "7", "--logfile", "", path, "--hz", "9"},
      {"--save", "60", "1", path, "--port", "7"},
      {"--bind", "127.0.0.1", "-::1", path, "--port", "7"},
      {"--bind", "127.0.0.1", "--port", "7", "--", path}};
  for (const std::vector<std::string>& line : lines) {
    const StartPlan plan = Parse(line);
    ASSERT_EQ(plan.action, StartAction::kRun) << plan.message;
    EXPECT_EQ(plan.config_file, path);
    EXPECT_EQ(plan.store->snapshot()->timeout, 5);
    EXPECT_EQ(plan.store->snapshot()->port, 7);
  }
  ExpectError(Parse({"--", path, path}), "unexpected argument '" + path + "'");
}

TEST(CommandLine, APromiseIsJudgedByTheLastLayer) {
  const TestFolder folder;
  const std::string path = folder.Write("m.conf", "appendonly yes\n");
  EXPECT_EQ(Parse({path}).action, StartAction::kError);
  EXPECT_EQ(Parse({path}).exit_code, 1);
  EXPECT_EQ(Parse({path, "--check-config"}).exit_code, 1);
  EXPECT_EQ(Parse({path, "--appendonly", "no"}).action, StartAction::kRun);
  EXPECT_EQ(Parse({path}, {{"MANTIS_APPENDONLY", "no"}}).action, StartAction::kRun);
  EXPECT_EQ(Parse({}, {{"MANTIS_APPENDONLY", "yes"}}).action, StartAction::kError);
}

TEST(CommandLine, VariablesOfAKubernetesServiceAreAWarning) {
  const StartPlan plan = Parse({}, {{"MANTIS_PORT", "tcp://10.0.0.1:6379"},
                                    {"MANTIS_PORT_6379_TCP", "tcp://10.0.0.1:6379"},
                                    {"MANTIS_PORT_6379_TCP_ADDR", "10.0.0.1"},
                                    {"MANTIS_SERVICE_HOST", "10.0.0.1"},
                                    {"MANTIS_SERVICE_PORT", "6379"},
                                    {"MANTIS_TLS_PORT", "tcp://10.0.0.2:6380"}});
  ASSERT_EQ(plan.action, StartAction::kRun) << plan.message;
  EXPECT_EQ(plan.store->snapshot()->port, 6379);
  EXPECT_EQ(plan.warnings,
            std::vector<std::string>{
                "these environment variables look like those of a Kubernetes service and were "
                "ignored: MANTIS_PORT, MANTIS_PORT_6379_TCP, MANTIS_PORT_6379_TCP_ADDR, "
                "MANTIS_SERVICE_HOST, MANTIS_SERVICE_PORT, MANTIS_TLS_PORT"});
  EXPECT_EQ(Parse({}, {{"MANTIS_RENAME_COMMAND", "GET x"}}).action, StartAction::kError);
}

TEST(CommandLine, UnknownVariableIsAWarning) {
  const StartPlan plan = Parse({}, {{"MANTIS_MAXMEMROY", "5"}, {"MANTISX", "5"}});
  ASSERT_EQ(plan.action, StartAction::kRun);
  EXPECT_EQ(plan.warnings,
            std::vector<std::string>{"the environment variable MANTIS_MAXMEMROY is no option and "
                                     "was ignored; the nearest one is MANTIS_MAXMEMORY"});
}

}  // namespace
}  // namespace mantis::config
