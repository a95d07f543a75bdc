#include "server/commands/stream_args.h"

#include <algorithm>
#include <charconv>

#include "engine/base/allocation_failure.h"
#include "server/commands/args.h"
#include "server/core/core_context.h"

namespace mantis::server {
namespace {

constexpr std::string_view kBadId = "ERR Invalid stream ID specified as stream command argument";

bool ReadNumber(Bytes text, uint64_t* out) {
  if (text.size() > 1 && text[0] == '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, *out);
  return r.ec == std::errc{} && r.ptr == end;
}

bool BadId(CommandContext& c) {
  c.reply.Error(kBadId);
  return false;
}

// Trimming to about a length or an id stops here, so that it never takes long.
uint64_t DefaultLimit(const CommandContext& c) {
  constexpr int64_t kNodes = 100;
  constexpr int64_t kEntries = 10'000;  // where nodes have no limit
  constexpr int64_t kEntriesMax = 1'000'000;
  const int64_t per_node = std::min(c.core.settings().stream_node_max_entries, kEntriesMax);
  return static_cast<uint64_t>(per_node <= 0 ? kEntries : std::min(kNodes * per_node, kEntriesMax));
}

class OptionParser {
 public:
  OptionParser(CommandContext& c, StreamAddOptions* out, bool add) : c_(c), out_(out), add_(add) {}

  bool Run() {
    for (; i_ < c_.argc(); ++i_) {
      if (add_ && c_.args[i_] == "*") break;
      bool done = false;
      if (!One(&done)) return false;
      if (done) break;
    }
    out_->next = i_ + 1;
    return Finish();
  }

 private:
  bool Error(std::string_view text) {
    c_.reply.Error(text);
    return false;
  }
  bool more() const { return i_ + 1 < c_.argc(); }

  bool One(bool* done) {
    const Bytes word = c_.args[i_];
    if (EqualsIgnoreCase(word, "MAXLEN") && more()) return Threshold(StreamTrim::By::kLength);
    if (EqualsIgnoreCase(word, "MINID") && more()) return Threshold(StreamTrim::By::kId);
    if (EqualsIgnoreCase(word, "LIMIT") && more()) return Limit();
    if (add_ && EqualsIgnoreCase(word, "NOMKSTREAM")) {
      out_->no_create = true;
      return true;
    }
    if (!add_) {
      (void)SyntaxError(c_);
      return false;
    }
    *done = true;
    return Id(word);
  }

  bool Id(Bytes text) {
    out_->id_given = true;
    if (text.size() > 2 && text.ends_with("-*")) {
      out_->seq_given = false;
      text.remove_suffix(2);
      return ReadNumber(text, &out_->id.ms) || BadId(c_);
    }
    return ParseStreamId(c_, text, &out_->id);
  }

  bool Threshold(StreamTrim::By by) {
    StreamTrim& trim = out_->trim;
    if (trim.by != StreamTrim::By::kNothing) {
      return Error(
          "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    }
    const bool has_mode = i_ + 2 < c_.argc() && (c_.args[i_ + 1] == "~" || c_.args[i_ + 1] == "=");
    if (has_mode) trim.whole_nodes = c_.args[++i_] == "~";
    const Bytes value = c_.args[++i_];
    trim.by = by;
    if (by == StreamTrim::By::kId) return ParseStreamId(c_, value, &trim.first);
    int64_t length = 0;
    if (!ParseInteger(c_, value, &length)) return false;
    if (length < 0) return Error("ERR The MAXLEN argument must be >= 0.");
    trim.length_max = static_cast<uint64_t>(length);
    return true;
  }

  bool Limit() {
    int64_t limit = 0;
    if (!ParseInteger(c_, c_.args[++i_], &limit)) return false;
    if (limit < 0) return Error("ERR The LIMIT argument must be >= 0.");
    out_->trim.limit = static_cast<uint64_t>(limit);
    limit_given_ = true;
    return true;
  }

  bool Finish() {
    StreamTrim& trim = out_->trim;
    const bool trims = trim.by != StreamTrim::By::kNothing;
    if (trim.limit != 0 && !trims) {
      return Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    }
    if (!add_ && !trims) {
      return Error("ERR syntax error, XTRIM must be called with a trimming strategy");
    }
    if (limit_given_ && !trim.whole_nodes) {
      return Error("ERR syntax error, LIMIT cannot be used without the special ~ option");
    }
    if (!limit_given_ && trim.whole_nodes) trim.limit = DefaultLimit(c_);
    return true;
  }

  CommandContext& c_;
  StreamAddOptions* out_;
  bool add_;
  size_t i_ = 2;
  bool limit_given_ = false;
};

}  // namespace

bool ReadStreamId(Bytes text, uint64_t missing_seq, StreamId* out) {
  const size_t dash = text.find('-');
  if (!ReadNumber(text.substr(0, dash), &out->ms)) return false;
  out->seq = missing_seq;
  return dash == Bytes::npos || ReadNumber(text.substr(dash + 1), &out->seq);
}

bool ParseStreamId(CommandContext& c, Bytes text, StreamId* out) {
  return ReadStreamId(text, 0, out) || BadId(c);
}

bool ParseStreamIds(CommandContext& c, size_t first, StreamIds* out) {
  for (const Bytes text : c.args.subspan(first)) {
    StreamId id;
    if (!ParseStreamId(c, text, &id)) return false;
    out->push_back(id);
  }
  return true;
}

bool ParseStreamIdOrEnd(CommandContext& c, Bytes text, uint64_t missing_seq, StreamId* out) {
  if (text == "-" || text == "+") {
    *out = text == "-" ? StreamId{} : StreamId::Max();
    return true;
  }
  return ReadStreamId(text, missing_seq, out) || BadId(c);
}

bool ParseRangeStart(CommandContext& c, Bytes text, StreamId* out) {
  if (text.size() < 2 || text[0] != '(') return ParseStreamIdOrEnd(c, text, 0, out);
  if (!ReadStreamId(text.substr(1), 0, out)) return BadId(c);
  if (out->Increment()) return true;
  c.reply.Error("ERR invalid start ID for the interval");
  return false;
}

bool ParseRangeEnd(CommandContext& c, Bytes text, StreamId* out) {
  if (text.size() < 2 || text[0] != '(') return ParseStreamIdOrEnd(c, text, UINT64_MAX, out);
  if (!ReadStreamId(text.substr(1), UINT64_MAX, out)) return BadId(c);
  if (out->Decrement()) return true;
  c.reply.Error("ERR invalid end ID for the interval");
  return false;
}

bool ParseAddOptions(CommandContext& c, StreamAddOptions* out) {
  return OptionParser(c, out, true).Run();
}

bool ParseTrimOptions(CommandContext& c, StreamAddOptions* out) {
  return OptionParser(c, out, false).Run();
}

void ReplyStreamId(CommandContext& c, StreamId id) {
  char text[2 * protocol::kIntegerCharsMax + 1];
  size_t n = protocol::FormatUnsigned(text, id.ms);
  text[n++] = '-';
  n += protocol::FormatUnsigned(text + n, id.seq);
  c.reply.Bulk({text, n});
}

void ReplyStreamEntry(CommandContext& c, StreamCursor& at) {
  c.reply.Array(2);
  ReplyStreamId(c, at.id());
  c.reply.Array(2 * at.fields());
  at.ForEachField([&](const Listpack::Item& field, const Listpack::Item& value) {
    ReplyItem(c, field);
    ReplyItem(c, value);
  });
}

void ReplyStreamEntries(CommandContext& c, StreamCursor& at, size_t count) {
  const size_t mark = c.reply.DeferredArray();
  size_t n = 0;
  for (; n < count && at.Next(); ++n) ReplyStreamEntry(c, at);
  c.reply.SetDeferredArray(mark, n);
}

void EnsureEntriesReply(const Stream& stream, size_t entries) {
  constexpr size_t kSampledNodes = 5;
  const memory::NothingChangedYet yet;
  const size_t most = std::min(entries, stream.size());
  if (most == 0) return;
  memory::Ensure(2 * (stream.bytes(kSampledNodes) / stream.size() + 1) * most);
}

Outcome EndOfGroupCommand(CommandContext& c, Status s) {
  if (s == Status::kOk) return Done();
  if (s != Status::kNotFound) return FailStatus(c, s);
  return Fail(c, "NOGROUP No such key '" + std::string(c.args[1]) + "' or consumer group '" +
                     std::string(c.args[2]) + "'");
}

Outcome NoSuchGroup(CommandContext& c, Bytes key, Bytes group) {
  return Fail(c, "NOGROUP No such consumer group '" + std::string(group) + "' for key name '" +
                     std::string(key) + "'");
}

Outcome UnknownSubcommandForm(CommandContext& c) {
  std::string container(c.args[0]);
  for (char& ch : container) {
    if (ch >= 'a' && ch <= 'z') ch = static_cast<char>(ch - 'a' + 'A');
  }
  constexpr size_t kShownMax = 128;
  return Fail(c, "ERR unknown subcommand or wrong number of arguments for '" +
                     std::string(c.args[1].substr(0, kShownMax)) + "'. Try " + container +
                     " HELP.");
}

}  // namespace mantis::server
