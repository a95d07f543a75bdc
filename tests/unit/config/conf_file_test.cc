#include "config/conf_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "test_files.h"

namespace mantis::config {
namespace {

Settings LoadText(const std::string& text) {
  const TestFolder folder;
  Loader loader;
  loader.LoadFile(folder.Write("m.conf", text));
  EXPECT_EQ(loader.errors(), std::vector<std::string>{});
  return loader.values().Build();
}

// The one error that the second line of a file causes, without the path before it.
std::string ErrorOf(const std::string& line) {
  const TestFolder folder;
  const std::string path = folder.Write("m.conf", "# first\n" + line + "\nport 7\n");
  Loader loader;
  loader.LoadFile(path);
  EXPECT_EQ(loader.values().Build().port, 7) << "the rest of the file is read all the same";
  if (loader.errors().size() != 1) return std::to_string(loader.errors().size()) + " errors";
  const std::string& error = loader.errors().front();
  EXPECT_TRUE(error.starts_with(path + ":2: ")) << error;
  return error.substr(path.size() + 4);
}

TEST(ConfFile, CommentsBlanksQuotesAndLineEnds) {
  const Settings settings = LoadText(
      "# comment\r\n   # another\n\n\t port \t 7000 \r\nlogfile \"/a b\\\"c\"\npidfile '/x y'\n"
      "MaxMemory 2GB\nunixsocketperm 770");
  EXPECT_EQ(settings.port, 7000);
  EXPECT_EQ(settings.logfile, "/a b\"c");
  EXPECT_EQ(settings.pidfile, "/x y");
  EXPECT_EQ(settings.maxmemory, int64_t{2} << 30);
  EXPECT_EQ(settings.unixsocketperm, 0770);
}

TEST(ConfFile, RepeatedDirectives) {
  EXPECT_EQ(LoadText("save 900 1\nsave 300 10 60 5\n").save,
            (std::vector<SavePoint>{{900, 1}, {300, 10}, {60, 5}}));
  EXPECT_EQ(LoadText("save 900 1\nsave \"\"\nsave 5 5\n").save, (std::vector<SavePoint>{{5, 5}}));
  EXPECT_TRUE(LoadText("save \"\"\n").save.empty());
  EXPECT_EQ(LoadText("save \"900 1\"\n").save, (std::vector<SavePoint>{{900, 1}}));
  EXPECT_EQ(LoadText("port 1\nport 2\n").port, 2);
  const OutputBufferLimits limits = LoadText(
                                        "client-output-buffer-limit normal 1mb 2mb 3\n"
                                        "client-output-buffer-limit slave 4kb 5k 6\n")
                                        .client_output_buffer_limit;
  EXPECT_EQ(limits,
            (OutputBufferLimits{{1 << 20, 2 << 20, 3}, {4096, 5000, 6}, {32 << 20, 8 << 20, 60}}));
}

TEST(ConfFile, ErrorsNameLineOptionAndWhatIsExpected) {
  EXPECT_EQ(ErrorOf("maxmemory-polcy allkeys-lru"),
            "unknown directive 'maxmemory-polcy'; did you mean 'maxmemory-policy'?\n"
            "    >>> maxmemory-polcy (hidden)");
  for (const std::string line :
       {"USER bob >s3cret", "\"requirepass\" s3cret x", "'requirepass' s3cret x",
        "requirepass=s3cret", "requirepass:s3cret", "requirepasss3cret", "\"requirepass s3cret",
        "\"\\x72equirepass\" s3cret x", "sentinel auth-pass mymaster s3cret",
        "requirepass\"s3cret\"", "user\ts3cret", "requirpass s3cret", "masterauth s3cret x",
        "Requirepass=s3cret", "\"requirepass=s3cret\" x", "auth:s3cret 'x"}) {
    const std::string error = ErrorOf(line);
    EXPECT_FALSE(error.empty()) << line;
    EXPECT_EQ(error.find("s3cret"), std::string::npos) << error;
  }
  EXPECT_EQ(ErrorOf("maxmemory lots"),
            "maxmemory: 'lots' is not valid; expected a memory size such as 100mb\n"
            "    >>> maxmemory lots");
  EXPECT_EQ(ErrorOf("proto-max-bulk-len 10"),
            "proto-max-bulk-len: '10' is not valid; expected a memory size such as 100mb, at "
            "least 1mb\n    >>> proto-max-bulk-len 10");
  EXPECT_EQ(ErrorOf("maxmemory-clients 101%"),
            "maxmemory-clients: '101%' is not valid; expected a memory size such as 100mb, or a "
            "percentage such as 5%\n    >>> maxmemory-clients 101%");
  EXPECT_EQ(ErrorOf("loglevel loud"),
            "loglevel: 'loud' is not valid; expected one of: debug verbose notice warning "
            "nothing\n    >>> loglevel loud");
  EXPECT_EQ(ErrorOf("protected-mode 1"),
            "protected-mode: '1' is not valid; expected yes or no\n    >>> protected-mode 1");
  EXPECT_EQ(ErrorOf("tcp-backlog -1"),
            "tcp-backlog: '-1' is not valid; expected an integer, at least 0\n"
            "    >>> tcp-backlog -1");
  EXPECT_EQ(ErrorOf("unixsocketperm 999"),
            "unixsocketperm: '999' is not valid; expected an octal mode such as 700\n"
            "    >>> unixsocketperm 999");
  EXPECT_EQ(ErrorOf("save 5"),
            "save: '5' is not valid; expected pairs of seconds (at least 1) and changes such as "
            "3600 1, or \"\"\n    >>> save 5");
  EXPECT_EQ(ErrorOf("client-output-buffer-limit normal 1"),
            "client-output-buffer-limit: 'normal 1' is not valid; expected normal, replica or "
            "pubsub, then hard limit, soft limit and seconds, such as pubsub 32mb 8mb 60\n"
            "    >>> client-output-buffer-limit normal 1");
  EXPECT_EQ(ErrorOf("bind"),
            "bind: a value is missing; expected up to 16 addresses\n"
            "    >>> bind");
  EXPECT_EQ(ErrorOf("dbfilename a/b"),
            "dbfilename: 'a/b' is not valid; expected a file name without directories\n"
            "    >>> dbfilename a/b");
  EXPECT_EQ(ErrorOf("replicaof host"),
            "replicaof: 'host' is not valid; expected host and port\n    >>> replicaof host");
  EXPECT_EQ(ErrorOf("rename-command GET"),
            "rename-command: 'GET' is not valid; expected 2 words\n    >>> rename-command GET");
  EXPECT_EQ(ErrorOf("logfile \"x"), "unbalanced quotes\n    >>> logfile \"x");
  EXPECT_EQ(ErrorOf("include /no/such/file"),
            "cannot read the configuration file '/no/such/file': No such file or directory");
}

TEST(ConfFile, Includes) {
  const TestFolder folder;
  folder.Write("one.inc", "port 1\ntimeout 5\n");
  folder.Write("two.inc", "port 2\n");
  Loader loader;
  loader.LoadFile(folder.Write("m.conf", "include " + folder.Path("*.inc") + "\nhz 7\ninclude " +
                                             folder.Path("*.none") + "\ntimeout 6\n"));
  EXPECT_EQ(loader.errors(), std::vector<std::string>{});
  EXPECT_EQ(loader.values().Build().port, 2);
  EXPECT_EQ(loader.values().Build().hz, 7);
  EXPECT_EQ(loader.values().Build().timeout, 6);

  const std::string loop = folder.Path("loop.conf");
  folder.Write("loop.conf", "include " + loop + "\ninclude " + loop + "\n");
  Loader looping;
  looping.LoadFile(loop);
  ASSERT_EQ(looping.errors().size(), 1U);
  EXPECT_EQ(looping.errors().front(),
            loop + ":1: include '" + loop + "': files include each other more than 16 deep");
}

TEST(ConfFile, DirectivesWithoutEffectGiveOneWarningForEachReason) {
  const TestFolder folder;
  Loader loader;
  loader.LoadFile(folder.Write("m.conf",
                               "io-threads 4\nappendonly no\nappendfsync always\nio-threads 2\n"
                               "appendfilename a.aof\nslave-read-only yes\ncluster-port 5\n"
                               "notify-keyspace-events KEA\nlist-max-ziplist-entries 5\n"));
  loader.CheckPromises();
  EXPECT_EQ(loader.errors(), std::vector<std::string>{});
  EXPECT_EQ(
      loader.Warnings(),
      (std::vector<std::string>{
          "notify-keyspace-events: no event is published, as there is no Pub/Sub in this version",
          "without effect, as there is no append-only file in this version: appendfsync, "
          "appendfilename; set to other than the default: appendfsync, appendfilename",
          "without effect, as there is no replication in this version: replica-read-only",
          "without effect, as there is no cluster mode in this version: cluster-port; set to other "
          "than the default: cluster-port",
          "without effect, as the option threads alone says how many there are, and the kernel "
          "where they run: io-threads; set to other than the default: io-threads",
          "without effect, as Redis itself ignores them by now: list-max-ziplist-entries; set to "
          "other than the default: list-max-ziplist-entries"}));
  EXPECT_EQ(loader.values().Text(IndexOf("io-threads")), "2");
}

// Everything that a file of these lines is refused for.
std::vector<std::string> Refusals(const std::string& text) {
  const TestFolder folder;
  const std::string path = folder.Write("m.conf", text);
  Loader loader;
  loader.LoadFile(path);
  loader.CheckPromises();
  std::vector<std::string> errors;
  for (const std::string& error : loader.errors()) errors.push_back(error.substr(path.size()));
  return errors;
}

TEST(ConfFile, APromiseThatIsNotKeptIsAnError) {
  const auto refused = [](const std::string& line, const std::string& start) {
    const std::vector<std::string> errors = Refusals(line);
    ASSERT_EQ(errors.size(), 1U) << line;
    EXPECT_TRUE(errors[0].starts_with(":1: " + start)) << errors[0];
    EXPECT_NE(errors[0].find("to go on"), std::string::npos) << errors[0];
  };
  refused("appendonly yes", "appendonly: there is no append-only file in this version");
  refused("loadmodule /x.so a b", "loadmodule: there are no modules in this version");
  refused("aclfile /x", "aclfile: there are no ACL users in this version");
  refused("replicaof 10.0.0.1 6379", "replicaof: there is no replication in this version");
  refused("slaveof 10.0.0.1 6379", "replicaof: there is no replication in this version");
  refused("masterauth x", "masterauth: there is no replication in this version");
  refused("min-slaves-to-write 1", "min-replicas-to-write: there is no replication");
  refused("cluster-enabled yes", "cluster-enabled: there is no cluster mode in this version");
  refused("tls-port 6380", "tls-port: there is no TLS in this version");
  refused("user alice on >secret ~* +@all", "user: there are no ACL users in this version");
  refused("user default on >secret ~* +@all", "user: there are no ACL users in this version");

  EXPECT_EQ(Refusals("appendonly no\naclfile \"\"\nreplicaof no one\ntls-port 0\n"
                     "cluster-enabled no\nuser default on nopass sanitize-payload ~* &* +@all\n"),
            std::vector<std::string>{});
  EXPECT_EQ(Refusals("appendonly yes\nappendonly no\n"), std::vector<std::string>{})
      << "the last one counts";
  EXPECT_EQ(Refusals("masterauth hunter2\n")[0].find("hunter2"), std::string::npos);
  EXPECT_EQ(Refusals("user alice >hunter2\n")[0].find("hunter2"), std::string::npos);
}

TEST(ConfFile, RenamesGoToTheCallerLineByLine) {
  const TestFolder folder;
  const std::string path = folder.Write(
      "m.conf", "rename-command FLUSHALL \"\"\nrename-command nope x\nrename-command GET fetch\n");
  std::vector<std::string> seen;
  Loader loader([&](const std::string& name, const std::string& new_name) {
    seen.push_back(name + ">" + new_name);
    return name == "nope" ? std::optional<std::string>("No such command in rename-command")
                          : std::nullopt;
  });
  loader.LoadFile(path);
  EXPECT_EQ(seen, (std::vector<std::string>{"FLUSHALL>", "nope>x", "GET>fetch"}));
  EXPECT_EQ(loader.errors(),
            std::vector<std::string>{path + ":2: No such command in rename-command\n    >>> "
                                            "rename-command nope x"});
  EXPECT_EQ(loader.Warnings(), std::vector<std::string>{});
}

// The lines of the file Redis 7.0 comes with, less its comments.
constexpr const char* kRedisDefaults =
    "bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ntcp-backlog 511\ntimeout 0\n"
    "tcp-keepalive 300\ndaemonize no\npidfile /var/run/redis_6379.pid\nloglevel notice\n"
    "logfile \"\"\ndatabases 16\nalways-show-logo no\nset-proc-title yes\n"
    "proc-title-template \"{title} {listen-addr} {server-mode}\"\n"
    "stop-writes-on-bgsave-error yes\nrdbcompression yes\nrdbchecksum yes\n"
    "dbfilename dump.rdb\nrdb-del-sync-files no\ndir ./\nreplica-serve-stale-data yes\n"
    "replica-read-only yes\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 5\n"
    "repl-diskless-sync-max-replicas 0\nrepl-diskless-load disabled\n"
    "repl-disable-tcp-nodelay no\nreplica-priority 100\nacllog-max-len 128\n"
    "lazyfree-lazy-eviction no\nlazyfree-lazy-expire no\nlazyfree-lazy-server-del no\n"
    "replica-lazy-flush no\nlazyfree-lazy-user-del no\nlazyfree-lazy-user-flush no\n"
    "oom-score-adj no\noom-score-adj-values 0 200 800\ndisable-thp yes\nappendonly no\n"
    "appendfilename \"appendonly.aof\"\nappenddirname \"appendonlydir\"\n"
    "appendfsync everysec\nno-appendfsync-on-rewrite no\nauto-aof-rewrite-percentage 100\n"
    "auto-aof-rewrite-min-size 64mb\naof-load-truncated yes\naof-use-rdb-preamble yes\n"
    "aof-timestamp-enabled no\n \nslowlog-log-slower-than 10000\nslowlog-max-len 128\n"
    "latency-monitor-threshold 0\nnotify-keyspace-events \"\"\n"
    "hash-max-listpack-entries 512\nhash-max-listpack-value 64\nlist-max-listpack-size -2\n"
    "list-compress-depth 0\nset-max-intset-entries 512\nzset-max-listpack-entries 128\n"
    "zset-max-listpack-value 64\nhll-sparse-max-bytes 3000\nstream-node-max-bytes 4096\n"
    "stream-node-max-entries 100\nactiverehashing yes\n"
    "client-output-buffer-limit normal 0 0 0\n"
    "client-output-buffer-limit replica 256mb 64mb 60\n"
    "client-output-buffer-limit pubsub 32mb 8mb 60\nhz 10\ndynamic-hz yes\n"
    "aof-rewrite-incremental-fsync yes\nrdb-save-incremental-fsync yes\n"
    "jemalloc-bg-thread yes\n";

// One warning for each reason, none of which has more names than one reads.
void ExpectReadableWarnings(const Loader& loader) {
  EXPECT_EQ(loader.errors(), std::vector<std::string>{});
  EXPECT_FALSE(loader.Warnings().empty());
  for (const std::string& warning : loader.Warnings()) {
    EXPECT_LE(std::count(warning.begin(), warning.end(), ','), 20) << warning;
  }
}

TEST(ConfFile, ARedisConfStarts) {
  const TestFolder folder;
  Loader loader;
  loader.LoadFile(folder.Write("redis.conf", kRedisDefaults));
  loader.CheckPromises();
  ExpectReadableWarnings(loader);
  for (const std::string& warning : loader.Warnings()) {
    EXPECT_EQ(warning.find("other than the default"), std::string::npos) << warning;
  }
}

TEST(ConfFile, TheInstalledRedisConfStarts) {
  constexpr const char* kInstalled = "/etc/redis/redis.conf";
  if (!std::ifstream(kInstalled)) GTEST_SKIP() << kInstalled << " is not there or not readable";
  Loader loader;
  loader.LoadFile(kInstalled);
  loader.CheckPromises();
  ExpectReadableWarnings(loader);
}

}  // namespace
}  // namespace mantis::config
