#include "tests/fuzz/command_stream.h"

#include <algorithm>
#include <array>
#include <span>

#include "config/store.h"
#include "protocol/request_parser.h"
#include "server/dispatch/command_syntax.h"
#include "server/dispatch/command_table.h"

namespace mantis::fuzz {
namespace {

using server::CommandRow;
using server::CommandTable;
using server::EqualsIgnoreCase;
using server::SyntaxNode;

// A command, or one with a certain word among its arguments.
struct Exclusion {
  std::string_view name;
  std::string_view word;
};
constexpr auto kExclusions = std::to_array<Exclusion>({
    // They end the process, or the waiting would take the fuzzer's time.
    {"shutdown", {}},
    {"pfselftest", {}},  // seconds, and nothing of it depends on the input
    {"debug", "sleep"},
    {"client|pause", {}},
    // Its client is sent lines between the replies, which are what is counted here.
    {"monitor", {}},
    // They write files.
    {"save", {}},
    {"bgsave", {}},
    {"config|rewrite", {}},
    {"config|set", "dir"},
    {"config|set", "dbfilename"},
    {"config|set", "logfile"},
    // They outlive the input: the process's limit of open files, its log.
    {"config|set", "maxclients"},
    {"config|set", "loglevel"},
    // Kept small so that single values and LCS do not take all memory and time there is.
    {"config|set", "proto-max-bulk-len"},
});

bool Excluded(const CommandRow& row, std::span<const Bytes> args) {
  return std::any_of(kExclusions.begin(), kExclusions.end(), [&](const Exclusion& e) {
    if (row.name != e.name) return false;
    return e.word.empty() || std::any_of(args.begin(), args.end(),
                                         [&](Bytes arg) { return EqualsIgnoreCase(arg, e.word); });
  });
}

constexpr auto kKeys = std::to_array<std::string_view>(
    {"k", "", "a", "user:1", "user:2", "user:10", "user:", "\xff\xff", "{t}x",
     "user:1000000000000000000000000000000000000000000000", std::string_view("z\0y", 3), "0"});

constexpr auto kNumbers = std::to_array<std::string_view>({"0",
                                                           "1",
                                                           "-1",
                                                           "2",
                                                           "10",
                                                           "100",
                                                           "-2",
                                                           "9223372036854775807",
                                                           "-9223372036854775808",
                                                           "9223372036854775808",
                                                           "9223372036854775806",
                                                           "18446744073709551615",
                                                           "4294967296",
                                                           "2147483647",
                                                           "-2147483648",
                                                           "1048575",
                                                           "1048576",
                                                           "536870912",
                                                           "3.0",
                                                           "1e5",
                                                           "-1.5",
                                                           "inf",
                                                           "nan",
                                                           "1e400",
                                                           "1e17",
                                                           "0x10",
                                                           "01",
                                                           " 1",
                                                           "",
                                                           "9999999999999",
                                                           "1000",
                                                           "3"});

constexpr auto kPatterns = std::to_array<std::string_view>(
    {"*",      "user:*", "[a",     "(a",    "-",      "+",     "[user:1", "(user:2",
     "user:?", "[a-",    "u[^a]*", "\\*",   "***a**", "[",     "]",       "(",
     "[\xff",  "k*",     "\\",     "[z-a]", "?",      "*:*1*", "nomatch", "{t}*"});

// Words the table does not tell: subcommands of DEBUG, names of types, and the like.
constexpr auto kMoreWords = std::to_array<std::string_view>({"string",
                                                             "list",
                                                             "set-active-expire",
                                                             "object",
                                                             "protocol",
                                                             "sdslen",
                                                             "change-repl-id",
                                                             "attrib",
                                                             "bignum",
                                                             "push",
                                                             "verbatim",
                                                             "double",
                                                             "true",
                                                             "false",
                                                             "null",
                                                             "default",
                                                             "yes",
                                                             "no",
                                                             "on",
                                                             "off",
                                                             "skip",
                                                             "normal",
                                                             "pubsub",
                                                             "127.0.0.1:1",
                                                             "*",
                                                             "all",
                                                             "everything",
                                                             "commandstats",
                                                             "allkeys-lru",
                                                             "volatile-ttl",
                                                             "allkeys-random",
                                                             "1mb",
                                                             "100kb",
                                                             "help"});

void Collect(const std::vector<SyntaxNode>& nodes, std::vector<std::string>& words) {
  for (const SyntaxNode& node : nodes) {
    if (!node.token.empty()) words.emplace_back(node.token);
    Collect(node.children, words);
  }
}

struct Vocabulary {
  std::vector<std::vector<std::string>> of_command;  // by command id
  std::vector<std::string> all;
};

const Vocabulary& Words() {
  static const Vocabulary vocabulary = [] {
    Vocabulary v;
    const CommandTable& table = CommandTable::Instance();
    for (size_t id = 0; id < table.size(); ++id) {
      v.of_command.emplace_back();
      Collect(server::ParseSyntax(table.row(id).syntax), v.of_command.back());
      v.all.insert(v.all.end(), v.of_command.back().begin(), v.of_command.back().end());
      const std::string_view name = table.row(id).name;
      v.all.emplace_back(name.substr(name.find('|') + 1));
    }
    constexpr std::string_view kEverything = "*";
    for (auto& [name, value] : config::ConfigStore().Get({&kEverything, 1})) {
      v.all.push_back(std::move(name));
    }
    v.all.insert(v.all.end(), kMoreWords.begin(), kMoreWords.end());
    std::sort(v.all.begin(), v.all.end());
    v.all.erase(std::unique(v.all.begin(), v.all.end()), v.all.end());
    return v;
  }();
  return vocabulary;
}

class Maker {
 public:
  explicit Maker(std::string_view input) : input_(input) {}

  std::string Make() {
    std::string stream;
    const CommandTable& table = CommandTable::Instance();
    while (!input_.empty()) {
      const size_t id = Byte() % (table.size() + 1);
      if (id == table.size()) {
        stream.append(Literal());
      } else {
        AppendCommand(table.row(id), Words().of_command[id], stream);
      }
    }
    return stream;
  }

 private:
  size_t Byte() {
    if (input_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(input_.front());
    input_.remove_prefix(1);
    return byte;
  }

  std::string_view Literal() {
    const std::string_view text = input_.substr(0, Byte() % 64);
    input_.remove_prefix(std::min(text.size(), input_.size()));
    return text;
  }

  // Mostly what the command's arity allows.
  size_t ArgumentCount(const CommandRow& row) {
    const size_t byte = Byte();
    if (byte >= 250) return byte - 250;
    if (row.arity >= 0) return static_cast<size_t>(row.arity);
    return static_cast<size_t>(-row.arity) + byte % 8;
  }

  void AppendCommand(const CommandRow& row, const std::vector<std::string>& words,
                     std::string& stream) {
    std::vector<std::string> args;
    const size_t bar = row.name.find('|');
    args.emplace_back(row.name.substr(0, bar));
    if (bar != std::string_view::npos) args.emplace_back(row.name.substr(bar + 1));
    const size_t count = ArgumentCount(row);
    while (args.size() < count) args.push_back(Argument(row, words, args.size()));
    stream.append("*").append(std::to_string(args.size())).append("\r\n");
    for (const std::string& arg : args) {
      stream.append("$").append(std::to_string(arg.size())).append("\r\n");
      stream.append(arg).append("\r\n");
    }
  }

  static bool IsKey(const CommandRow& row, size_t position) {
    return std::any_of(row.keys.begin(), row.keys.end(), [&](const server::KeySpec& spec) {
      if (spec.first <= 0 || position < static_cast<size_t>(spec.first)) return false;
      if (spec.form != server::KeyForm::kRange) return position > static_cast<size_t>(spec.first);
      if (spec.last > 0 && position > static_cast<size_t>(spec.last)) return false;
      const size_t step = spec.step > 0 ? static_cast<size_t>(spec.step) : 1;
      return (position - static_cast<size_t>(spec.first)) % step == 0;
    });
  }

  std::string Argument(const CommandRow& row, const std::vector<std::string>& words, size_t i) {
    const size_t byte = Byte();
    const size_t pick = byte >> 3;
    switch (byte & 7) {
      case 0:
        if (IsKey(row, i)) return std::string(kKeys[pick % kKeys.size()]);
        [[fallthrough]];
      case 1:
        if (!words.empty()) return words[pick % words.size()];
        [[fallthrough]];
      case 2:
        return std::string(kNumbers[pick % kNumbers.size()]);
      case 3:
        return std::string(kKeys[pick % kKeys.size()]);
      case 4:
        return Words().all[(pick * 256 + Byte()) % Words().all.size()];
      case 5:
        return std::string(kPatterns[pick % kPatterns.size()]);
      case 6:
        return std::string(Literal());
      default:
        // Around the sizes at which values are stored or sent differently.
        return std::string((size_t{1} << pick % 17) + Byte() % 3 - 1, 'v');
    }
  }

  std::string_view input_;
};

}  // namespace

std::string MakeStream(std::string_view input) { return Maker(input).Make(); }

CutStream Cut(std::string_view stream, size_t requests_max) {
  CutStream cut;
  protocol::RequestParser parser(protocol::Limits{});
  protocol::Args args;
  while (cut.requests.size() < requests_max) {
    if (parser.Parse(stream, args) != protocol::ParseStatus::kCommand) {
      cut.rest = stream;
      return cut;
    }
    Request request{stream.substr(0, parser.consumed()), nullptr, args.empty()};
    if (!args.empty()) request.command = CommandTable::Instance().Resolve(args);
    stream.remove_prefix(parser.consumed());
    if (request.command != nullptr && Excluded(*request.command->row, args)) continue;
    cut.requests.push_back(request);
  }
  return cut;
}

}  // namespace mantis::fuzz
