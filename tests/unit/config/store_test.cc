#include "config/store.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "config/option_table.h"
#include "test_files.h"

namespace mantis::config {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;
using Names = std::vector<std::string_view>;

std::optional<std::string> Set(ConfigStore& store, std::vector<Pair> pairs,
                               Names* changed = nullptr) {
  return store.Set(pairs, changed);
}

std::map<std::string, std::string> Get(const ConfigStore& store, Names globs) {
  const auto found = store.Get(globs);
  std::map<std::string, std::string> map(found.begin(), found.end());
  EXPECT_EQ(map.size(), found.size()) << "a name came twice";
  return map;
}

std::string GetOne(const ConfigStore& store, std::string_view name) {
  const auto found = Get(store, {name});
  return found.size() == 1 ? found.begin()->second : "(" + std::to_string(found.size()) + " found)";
}

std::string Failed(std::string_view name, std::string_view reason) {
  return "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
         std::string(reason);
}

// A store started with one option set, for those that cannot be set at run time.
ConfigStore StartedWith(std::string_view name, const std::string& value) {
  Values values;
  EXPECT_FALSE(values.Assign(IndexOf(name), std::vector<std::string>{value}));
  return ConfigStore(std::move(values), {});
}

TEST(ConfigGet, FormatsAsRedisDoes) {
  ConfigStore store;
  EXPECT_EQ(GetOne(store, "maxmemory"), "0");
  EXPECT_EQ(GetOne(store, "protected-mode"), "yes");
  EXPECT_EQ(GetOne(store, "save"), "3600 1 300 100 60 10000");
  EXPECT_EQ(GetOne(store, "client-output-buffer-limit"),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(GetOne(store, "proto-max-bulk-len"), "536870912");
  EXPECT_EQ(GetOne(store, "latency-tracking-info-percentiles"), "50 99 99.9");
  EXPECT_EQ(GetOne(store, "unixsocketperm"), "0");
  EXPECT_EQ(GetOne(store, "appendonly"), "no");
  EXPECT_EQ(GetOne(store, "repl-backlog-size"), "1048576");
  EXPECT_EQ(GetOne(store, "oom-score-adj-values"), "0 200 800");
}

TEST(ConfigGet, GlobsInAnyCaseEachNameOnce) {
  ConfigStore store;
  EXPECT_EQ(Get(store, {"MAX[m]emory*", "maxmemory", "max?emory"}).size(), 5U);
  EXPECT_EQ(Get(store, {"maxmemory", "MAXMEMORY"}).size(), 1U);
  EXPECT_EQ(Get(store, {"MAXMEMORY"}).begin()->first, "MAXMEMORY");
  EXPECT_EQ(Get(store, {"nothing", "like-this*"}).size(), 0U);
  const auto hash = Get(store, {"hash-max-*"});
  EXPECT_EQ(hash.size(), 4U);
  EXPECT_EQ(hash.at("hash-max-ziplist-entries"), "512");
}

TEST(ConfigGet, HiddenOptionsNeedTheirExactName) {
  ConfigStore store;
  EXPECT_EQ(GetOne(store, "watchdog-period"), "0");
  EXPECT_EQ(Get(store, {"watchdog*"}).size(), 0U);
  const auto all = Get(store, {"*"});
  EXPECT_GT(all.size(), 190U);
  EXPECT_FALSE(all.contains("watchdog-period"));
  EXPECT_FALSE(all.contains("rename-command"));
  EXPECT_EQ(Get(store, {"rename-command"}).size(), 0U);
}

TEST(ConfigSet, SeveralPairsAtOnce) {
  ConfigStore store;
  const auto before = store.snapshot();
  const uint64_t version = store.version();
  Names changed;
  EXPECT_EQ(
      Set(store, {{"maxmemory", "1gb"}, {"Maxmemory-Policy", "ALLKEYS-LRU"}, {"timeout", "0"}},
          &changed),
      std::nullopt);
  EXPECT_EQ(changed, (Names{"maxmemory", "maxmemory-policy"}));
  EXPECT_EQ(store.snapshot()->maxmemory, 1 << 30);
  EXPECT_EQ(store.snapshot()->maxmemory_policy, MaxmemoryPolicy::kAllkeysLru);
  EXPECT_EQ(GetOne(store, "maxmemory-policy"), "allkeys-lru");
  EXPECT_EQ(before->maxmemory, 0) << "a snapshot that is held must not change";
  EXPECT_EQ(store.version(), version + 1);
}

TEST(ConfigSet, AllOrNothing) {
  ConfigStore store;
  const uint64_t version = store.version();
  Names changed;
  EXPECT_EQ(Set(store, {{"requirepass", "a"}, {"timeout", "5"}, {"maxmemory", "zz"}}, &changed),
            Failed("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(store.snapshot()->requirepass, "");
  EXPECT_EQ(store.snapshot()->timeout, 0);
  EXPECT_EQ(store.version(), version);
  EXPECT_TRUE(changed.empty());
}

TEST(ConfigSet, NamesAreCheckedBeforeValues) {
  ConfigStore store;
  EXPECT_EQ(Set(store, {{"foo", "bar"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
  EXPECT_EQ(Set(store, {{"maxmemory", "zz"}, {"Foo", "bar"}, {"databases", "1"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - 'Foo'");
  EXPECT_EQ(Set(store, {{"rename-command", "a b"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - 'rename-command'");
  EXPECT_EQ(Set(store, {{"DATABASES", "3"}, {"foo", "bar"}}),
            Failed("DATABASES", "can't set immutable config"));
  EXPECT_EQ(Set(store, {{"maxmemory", "1gb"}, {"MaxMemory", "2gb"}}),
            Failed("MaxMemory", "duplicate parameter"));
  EXPECT_EQ(Set(store, {{"dir", "/tmp"}}), Failed("dir", "can't set protected config"));
}

TEST(ConfigSet, ErrorsInRedisWords) {
  struct Case {
    const char* name;
    const char* value;
    const char* reason;
  };
  const std::vector<Case> cases{
      {"maxmemory", "-1", "argument must be a memory value"},
      {"maxmemory", "1 kb", "argument must be a memory value"},
      {"maxmemory-clients", "5x", "argument must be a memory or percent value"},
      {"maxmemory-clients", "-5", "argument must be a memory or percent value"},
      {"maxmemory-clients", "200%", "percentage argument must be less or equal to 100"},
      {"timeout", "-1", "argument must be between 0 and 2147483647 inclusive"},
      {"timeout", "1k", "argument couldn't be parsed into an integer"},
      {"timeout", " 1", "argument couldn't be parsed into an integer"},
      {"slowlog-log-slower-than", "-2",
       "argument must be between -1 and 9223372036854775807 inclusive"},
      {"list-max-listpack-size", "99999999999",
       "argument must be between -2147483648 and 2147483647 inclusive"},
      {"proto-max-bulk-len", "1",
       "argument must be between 1048576 and 9223372036854775807 inclusive"},
      {"protected-mode", "maybe", "argument must be 'yes' or 'no'"},
      {"loglevel", "loud",
       "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"},
      {"maxmemory-policy", "lru",
       "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, "
       "volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction"},
      {"save", "60", "Invalid save parameters"},
      {"save", "60 x", "Invalid save parameters"},
      {"save", "0 10", "Invalid save parameters"},
      {"save", "10 -1", "Invalid save parameters"},
      {"save", "10 10 ", "Invalid save parameters"},
      {"client-output-buffer-limit", "normal 0 0",
       "Wrong number of arguments in buffer limit configuration."},
      {"client-output-buffer-limit", "master 0 0 0",
       "Invalid client class specified in buffer limit configuration."},
      {"client-output-buffer-limit", "normal x 0 0",
       "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
      {"notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
      {"latency-tracking-info-percentiles", "50 101",
       "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
      {"latency-tracking-info-percentiles", "50 abc",
       "Invalid latency-tracking-info-percentiles parameters"},
      {"latency-tracking-info-percentiles", "nan",
       "Invalid latency-tracking-info-percentiles parameters"},
      {"oom-score-adj-values", "1 2", "wrong number of arguments"},
      {"oom-score-adj-values", "1 2 99999",
       "Invalid oom-score-adj-values, elements must be between -2000 and 2000."},
      {"shutdown-on-sigint", "foo",
       "argument(s) must be one of the following: default, save, nosave, now, force"},
      {"shutdown-on-sigint", "save nosave",
       "shutdown options SAVE and NOSAVE can't be used simultaneously"},
      {"slave-priority", "abc", "argument couldn't be parsed into an integer"},
      {"unixsocketperm", "777", "can't set immutable config"},
      {"replicaof", "a 1", "can't set immutable config"},
      {"dbfilename", "x", "can't set protected config"},
  };
  ConfigStore store;
  for (const Case& c : cases) {
    EXPECT_EQ(Set(store, {{c.name, c.value}}), Failed(c.name, c.reason)) << c.name << c.value;
  }
  EXPECT_EQ(store.DescribeChanges(), std::vector<std::string>{});
}

TEST(ConfigSet, ValuesComeBackInCanonicalForm) {
  struct Case {
    const char* name;
    const char* value;
    const char* text;
  };
  const std::vector<Case> cases{
      {"maxmemory", "1KB", "1024"},
      {"maxmemory-clients", "10%", "10%"},
      {"maxmemory-clients", "0%", "0"},
      {"save", "60 1 300 10", "60 1 300 10"},
      {"save", "", ""},
      {"client-output-buffer-limit", "slave 1mb 2mb 3 normal 1 2 3",
       "normal 1 2 3 slave 1048576 2097152 3 pubsub 33554432 8388608 60"},
      {"client-output-buffer-limit", "",
       "normal 1 2 3 slave 1048576 2097152 3 pubsub 33554432 8388608 60"},
      {"notify-keyspace-events", "KEA", "AKE"},
      {"notify-keyspace-events", "gxKE", "gxKE"},
      {"notify-keyspace-events", "g$lshzxetdEn", "AEn"},
      {"notify-keyspace-events", "", ""},
      {"latency-tracking-info-percentiles", "50 99.123456 100.0", "50 99.123456 100"},
      {"latency-tracking-info-percentiles", "", ""},
      {"hz", "0", "1"},
      {"hz", "1000", "500"},
      {"protected-mode", "NO", "no"},
      {"oom-score-adj", "relative", "yes"},
      {"slave-priority", "7", "7"},
      {"hash-max-ziplist-value", "1k", "1000"},
      {"requirepass", "a \"b", "a \"b"},
  };
  ConfigStore store;
  for (const Case& c : cases) {
    EXPECT_EQ(Set(store, {{c.name, c.value}}), std::nullopt) << c.name << c.value;
    EXPECT_EQ(GetOne(store, c.name), c.text) << c.value;
  }
  EXPECT_EQ(GetOne(store, "replica-priority"), "7");
  EXPECT_EQ(store.snapshot()->maxmemory_clients, 0);
  EXPECT_EQ(store.snapshot()->hash_max_listpack_value, 1000);
  EXPECT_EQ(store.snapshot()->client_output_buffer_limit.replica,
            (OutputBufferLimit{1 << 20, 2 << 20, 3}));
  EXPECT_EQ(Set(store, {{"maxmemory-clients", "7%"}}), std::nullopt);
  EXPECT_EQ(store.snapshot()->maxmemory_clients, -7);
}

TEST(ConfigSet, ProtectedOptionsWhereAllowed) {
  const TestFolder folder;
  ConfigStore open_store = StartedWith("enable-protected-configs", "yes");
  EXPECT_EQ(Set(open_store, {{"dir", folder.Path("")}}), std::nullopt);
  EXPECT_EQ(open_store.snapshot()->dir + "/", folder.Path(""));
  EXPECT_EQ(Set(open_store, {{"dir", folder.Path("none")}}),
            Failed("dir", "No such file or directory"));
  EXPECT_EQ(Set(open_store, {{"dir", folder.Write("file", "")}}), Failed("dir", "Not a directory"));
  EXPECT_EQ(Set(open_store, {{"dbfilename", "a/b"}}),
            Failed("dbfilename", "dbfilename can't be a path, just a filename"));

  ConfigStore local_store = StartedWith("enable-protected-configs", "local");
  const std::array<Pair, 1> pair{{{"dbfilename", "x.mdb"}}};
  EXPECT_EQ(local_store.Set(pair, nullptr, false),
            Failed("dbfilename", "can't set protected config"));
  EXPECT_EQ(local_store.Set(pair, nullptr, true), std::nullopt);
  EXPECT_EQ(local_store.snapshot()->dbfilename, "x.mdb");
}

TEST(ConfigSet, ApplyHookSeesTheChangeAndMayRefuseIt) {
  ConfigStore store;
  int calls = 0;
  store.SetApplyHook(
      [&](const Settings& before, const Settings& after,
          std::span<const std::string_view> changed) -> std::optional<ConfigStore::ApplyError> {
        ++calls;
        EXPECT_EQ(before.maxclients, 10000);
        EXPECT_EQ(changed.size(), 1U);
        if (after.maxclients > 20000) return ConfigStore::ApplyError{"maxclients", "too many"};
        return std::nullopt;
      });
  EXPECT_EQ(Set(store, {{"maxclients", "30000"}}), Failed("maxclients", "too many"));
  EXPECT_EQ(store.snapshot()->maxclients, 10000);
  EXPECT_EQ(Set(store, {{"maxclients", "10000"}}), std::nullopt);
  EXPECT_EQ(calls, 1) << "nothing changed, so there is nothing to apply";
  EXPECT_EQ(Set(store, {{"maxclients", "20000"}}), std::nullopt);
  EXPECT_EQ(store.snapshot()->maxclients, 20000);
}

TEST(ConfigSet, DescribeChangesHidesPasswords) {
  ConfigStore store;
  ASSERT_FALSE(Set(store, {{"requirepass", "hunter2"}, {"maxmemory", "1gb"}, {"save", ""}}));
  EXPECT_EQ(store.DescribeChanges(),
            (std::vector<std::string>{"requirepass (hidden)", "maxmemory 1gb", "save \"\""}));
}

// Readers see both of two options that are always set together, and versions never run ahead of
// the snapshot they announce.
TEST(ConfigStoreThreads, SnapshotsAreConsistent) {
  ConfigStore store;
  ASSERT_FALSE(Set(store, {{"timeout", "1"}, {"tcp-keepalive", "1"}}));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 1; i <= 2000; ++i) {
      const std::string number = std::to_string(i);
      EXPECT_FALSE(Set(store, {{"timeout", number}, {"tcp-keepalive", number}}));
    }
    done = true;
  });
  uint64_t last = 0;
  while (!done) {
    const uint64_t version = store.version();
    const auto settings = store.snapshot();
    EXPECT_GE(version, last);
    last = version;
    EXPECT_EQ(settings->timeout, settings->tcp_keepalive);
    EXPECT_GE(settings->timeout + 1, static_cast<int>(version) - 1);
  }
  writer.join();
  EXPECT_EQ(store.snapshot()->timeout, 2000);
}

}  // namespace
}  // namespace mantis::config
