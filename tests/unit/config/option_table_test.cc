#include "config/option_table.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "config/conf_file.h"
#include "config/store.h"
#include "config/values.h"
#include "config/words.h"

namespace mantis::config {
namespace {

TEST(OptionTable, EveryRowIsFoundByNameAndAliasInAnyCase) {
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    std::string upper(option.name);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    ASSERT_TRUE(FindOption(upper).has_value()) << option.name;
    EXPECT_EQ(FindOption(upper)->index, i);
    EXPECT_FALSE(FindOption(upper)->by_alias);
    if (option.alias.empty()) continue;
    ASSERT_TRUE(FindOption(option.alias).has_value()) << option.alias;
    EXPECT_EQ(FindOption(option.alias)->index, i);
    EXPECT_EQ(FindOption(option.alias)->spelling(), option.alias);
  }
  EXPECT_FALSE(FindOption("maxmemroy").has_value());
}

TEST(OptionTable, CanonicalDefaultsParseToThemselves) {
  Values values;
  for (size_t i = 0; i < Options().size(); ++i) {
    if (Options()[i].kind == Kind::kDirective) continue;
    const std::string text = DefaultText(i);
    EXPECT_EQ(values.Assign(i, SplitForOption(Options()[i], text)), std::nullopt)
        << Options()[i].name;
    EXPECT_EQ(values.Text(i), text) << Options()[i].name;
    EXPECT_TRUE(values.IsDefault(i));
  }
}

TEST(OptionTable, RowsWithAnEffectHaveAMemberAndHelp) {
  for (const Option& option : Options()) {
    if (option.section == Section::kAccepted) {
      EXPECT_TRUE(option.Has(kAccepted)) << option.name;
      continue;
    }
    // Lists of words are read by the option's name.
    if (option.kind != Kind::kEnumSet) {
      EXPECT_NE(option.field.index(), 0U) << option.name;
    }
    EXPECT_FALSE(option.help.empty()) << option.name;
  }
}

TEST(OptionTable, WhatIsRefusedSaysWhyAndHowToGoOn) {
  for (const Option& option : Options()) {
    if (!option.Has(kRefused)) continue;
    EXPECT_TRUE(option.Has(kAccepted)) << option.name;
    EXPECT_NE(option.consequence.find("to go on"), std::string_view::npos) << option.name;
  }
  for (const char* name :
       {"appendonly", "aclfile", "user", "loadmodule", "masterauth", "masteruser", "replicaof",
        "cluster-enabled", "tls-port", "min-replicas-to-write"}) {
    EXPECT_TRUE(FindOption(name)->option().Has(kRefused)) << name;
  }
}

TEST(OptionTable, NoReasonIsSharedByTooMany) {
  constexpr size_t kReadable = 30;
  std::map<NoEffect, size_t> count;
  for (const Option& option : Options()) {
    const bool named = option.Has(kAccepted) && !option.Has(kRefused) && !option.Has(kHidden);
    if (named) ++count[option.no_effect];
  }
  for (const auto& [reason, number] : count) EXPECT_LE(number, kReadable) << ReasonText(reason);
}

// What the files that others come with have set, beside what Redis 7.0 has.
TEST(OptionTable, KnowsTheOptionsOfItsRelatives) {
  for (const char* name :
       {// Redis 7.2 to 8.
        "locale-collate", "hide-user-data-from-log", "set-max-listpack-entries", "io-threads",
        "max-new-connections-per-cycle", "max-new-tls-connections-per-cycle", "server-cpulist",
        "bio-cpulist", "aof-rewrite-cpulist", "bgsave-cpulist", "enable-debug-command",
        "cluster-allow-pubsubshard-when-down", "acllog-max-len", "latency-tracking",
        "replica-full-sync-buffer-limit", "cluster-announce-human-nodename",
        // Valkey.
        "dual-channel-replication-enabled", "availability-zone", "extended-redis-compatibility",
        "cluster-blacklist-ttl", "cluster-slot-stats-enabled", "prefetch-batch-max-size",
        "unixsocketgroup", "events-per-io-thread", "log-format", "log-timestamp-format",
        "primaryauth", "primaryuser", "commandlog-execution-slower-than", "lua-time-limit",
        // KeyDB.
        "server-threads", "server-thread-affinity", "min-clients-per-thread", "active-replica",
        "multi-master", "replica-weighting-factor", "active-client-balancing", "storage-provider",
        "overload-protect-percent", "enable-motd", "maxstorage", "soft-shutdown"}) {
    EXPECT_TRUE(FindOption(name).has_value()) << name;
  }
}

TEST(OptionTable, NearestNameByEdits) {
  EXPECT_EQ(NearestOption("maxmemroy-policy").name, "maxmemory-policy");
  EXPECT_EQ(NearestOption("maxmemroy-policy").distance, 1U);
  EXPECT_EQ(NearestOption("PROT").name, "port");
  EXPECT_EQ(NearestOption("requirpass").name, "requirepass");
  EXPECT_EQ(Suggestion("tcpkeepalive"), "did you mean 'tcp-keepalive'?");
  EXPECT_TRUE(Suggestion(std::string(100000, 'q')).starts_with("the nearest option is '"));
}

TEST(Settings, Defaults) {
  const ConfigStore store;
  const auto settings = store.snapshot();
  EXPECT_EQ(settings->bind, (std::vector<std::string>{"127.0.0.1", "-::1"}));
  EXPECT_EQ(settings->port, 6379);
  EXPECT_EQ(settings->unixsocket, "");
  EXPECT_EQ(settings->tcp_backlog, 511);
  EXPECT_EQ(settings->tcp_keepalive, 300);
  EXPECT_EQ(settings->timeout, 0);
  EXPECT_EQ(settings->maxclients, 10000);
  EXPECT_TRUE(settings->protected_mode);
  EXPECT_EQ(settings->requirepass, "");
  EXPECT_EQ(settings->threads, 0);
  EXPECT_EQ(settings->databases, 16);
  EXPECT_EQ(settings->loglevel, LogLevel::kNotice);
  EXPECT_EQ(settings->maxmemory, 0);
  EXPECT_EQ(settings->maxmemory_policy, MaxmemoryPolicy::kNoEviction);
  EXPECT_EQ(settings->maxmemory_samples, 5);
  EXPECT_EQ(settings->lfu_log_factor, 10);
  EXPECT_EQ(settings->hz, 10);
  EXPECT_EQ(settings->proto_max_bulk_len, 512 * 1024 * 1024);
  EXPECT_EQ(settings->client_query_buffer_limit, 1024 * 1024 * 1024);
  EXPECT_EQ(settings->client_output_buffer_limit,
            (OutputBufferLimits{{0, 0, 0}, {256 << 20, 64 << 20, 60}, {32 << 20, 8 << 20, 60}}));
  EXPECT_EQ(settings->dbfilename, "dump.mdb");
  EXPECT_EQ(settings->save, (std::vector<SavePoint>{{3600, 1}, {300, 100}, {60, 10000}}));
  EXPECT_EQ(settings->slowlog_log_slower_than, 10000);
  EXPECT_EQ(settings->latency_tracking_info_percentiles, (std::vector<double>{50, 99, 99.9}));
  EXPECT_EQ(settings->list_max_listpack_size, -2);
  EXPECT_EQ(settings->enable_protected_configs, GuardedAction::kNo);
  EXPECT_TRUE(settings->dir.starts_with('/'));
}

// The enumerators follow the words of the row one by one.
TEST(Settings, EveryWordOfAnEnumeration) {
  const std::array<std::pair<const char*, MaxmemoryPolicy>, 8> policies{
      {{"volatile-lru", MaxmemoryPolicy::kVolatileLru},
       {"volatile-lfu", MaxmemoryPolicy::kVolatileLfu},
       {"volatile-random", MaxmemoryPolicy::kVolatileRandom},
       {"volatile-ttl", MaxmemoryPolicy::kVolatileTtl},
       {"allkeys-lru", MaxmemoryPolicy::kAllkeysLru},
       {"allkeys-lfu", MaxmemoryPolicy::kAllkeysLfu},
       {"allkeys-random", MaxmemoryPolicy::kAllkeysRandom},
       {"noeviction", MaxmemoryPolicy::kNoEviction}}};
  const std::array<std::pair<const char*, LogLevel>, 5> levels{{{"debug", LogLevel::kDebug},
                                                                {"verbose", LogLevel::kVerbose},
                                                                {"notice", LogLevel::kNotice},
                                                                {"warning", LogLevel::kWarning},
                                                                {"nothing", LogLevel::kNothing}}};
  const std::array<std::pair<const char*, GuardedAction>, 3> actions{
      {{"no", GuardedAction::kNo}, {"yes", GuardedAction::kYes}, {"local", GuardedAction::kLocal}}};
  Values values;
  for (const auto& [word, policy] : policies) {
    ASSERT_FALSE(values.Assign(IndexOf("maxmemory-policy"), std::vector<std::string>{word}));
    EXPECT_EQ(values.Build().maxmemory_policy, policy) << word;
  }
  for (const auto& [word, level] : levels) {
    ASSERT_FALSE(values.Assign(IndexOf("loglevel"), std::vector<std::string>{word}));
    EXPECT_EQ(values.Build().loglevel, level) << word;
  }
  for (const auto& [word, action] : actions) {
    ASSERT_FALSE(
        values.Assign(IndexOf("enable-protected-configs"), std::vector<std::string>{word}));
    EXPECT_EQ(values.Build().enable_protected_configs, action) << word;
  }
}

// The annotated file tells about every option of ours, with its default, and changes nothing.
TEST(AnnotatedFile, MentionsEveryOptionWithItsDefaultAndParses) {
  Loader loader;
  loader.LoadFile(MANTIS_CONF_PATH);
  EXPECT_EQ(loader.errors(), std::vector<std::string>{});
  EXPECT_EQ(loader.Warnings(), std::vector<std::string>{});
  std::set<std::string> active;
  std::set<std::string> without_effect;
  bool in_last_section = false;
  std::map<size_t, Values> mentioned;
  std::ifstream in(MANTIS_CONF_PATH);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("####")) in_last_section = line.find(" Without effect ") != line.npos;
    const bool is_comment = line.starts_with("# ");
    const auto words = SplitWords(is_comment ? line.substr(2) : line);
    if (!words || words->size() < 2) continue;
    const auto match = FindOption(words->front());
    if (!match || match->option().kind == Kind::kDirective) continue;
    if (!is_comment) active.insert(words->front());
    Values& values = mentioned[match->index];
    const std::vector<std::string> rest(words->begin() + 1, words->end());
    // Prose that happens to start with an option's name does not parse as its value.
    if (values.Assign(match->index, rest, /*accumulate=*/false)) continue;
    if (!match->option().Has(kEmptyIsUnset)) {
      EXPECT_TRUE(values.IsDefault(match->index)) << line;
    }
    if (in_last_section) without_effect.emplace(match->option().name);
  }
  for (size_t i = 0; i < Options().size(); ++i) {
    const Option& option = Options()[i];
    if (option.section == Section::kAccepted || option.Has(kHidden)) continue;
    EXPECT_TRUE(mentioned.contains(i)) << option.name << " is missing in mantisd.conf";
    EXPECT_TRUE(loader.values().IsDefault(i)) << option.name;
    const bool should_be_active = !option.Has(kAccepted) && !option.Has(kEmptyIsUnset);
    EXPECT_EQ(active.contains(std::string(option.name)), should_be_active) << option.name;
    EXPECT_EQ(without_effect.contains(std::string(option.name)), option.Has(kAccepted))
        << option.name
        << ": the section \"Without effect\" holds those that have none, and no others";
  }
}

}  // namespace
}  // namespace mantis::config
