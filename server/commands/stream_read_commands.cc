// Streams: reading what is new since an id, by oneself or as one of a consumer group.

#include <algorithm>
#include <array>
#include <string>

#include "engine/keyspace/key_locks.h"
#include "server/commands/args.h"
#include "server/commands/stream_args.h"
#include "server/commands/stream_read_request.h"
#include "server/dispatch/blocking.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

// What is to be read from one of the streams.
struct Source {
  Bytes key;
  StreamId after;
  bool history = false;  // from what is pending for the consumer
  bool ready = false;    // there is something to reply
};
using Sources = absl::InlinedVector<Source, 4>;

bool Error(CommandContext& c, std::string_view text) {
  c.reply.Error(text);
  return false;
}

bool NoGroup(CommandContext& c, const ReadRequest& request, Bytes key) {
  return Error(c, "NOGROUP No such key '" + std::string(key) + "' or consumer group '" +
                      std::string(request.group) + "' in XREADGROUP with GROUP option");
}

// `group` is nullptr for XREAD.
void FindReady(const StreamGroup* group, const Stream& stream, Source* source) {
  if (group != nullptr && !source->history) source->after = group->last_id;
  source->ready =
      source->history || (stream.last_id() > source->after && stream.LastLiveId() > source->after);
}

// Finds out what is to be read from the stream, which is nullptr if there is no such key. False: an
// error is written.
bool Examine(CommandContext& c, const ReadRequest& request, const Stream* stream, Bytes id,
             Source* source) {
  const StreamGroup* group = nullptr;
  if (request.grouped) {
    if (stream != nullptr) group = stream->FindGroup(request.group);
    if (group == nullptr) return NoGroup(c, request, source->key);
  }
  if (id == "$") {
    if (request.grouped) {
      return Error(c,
                   "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read "
                   "the history of this consumer by specifying a proper ID, or use the > ID to "
                   "get new messages. The $ ID would just return an empty result set.");
    }
    if (stream != nullptr) source->after = stream->last_id();
    return true;
  }
  if (id == ">") {
    if (!request.grouped) {
      return Error(c,
                   "ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                   "<group> <consumer> option.");
    }
    source->after = StreamId::Max();
  } else if (!ParseStreamId(c, id, &source->after)) {
    return false;
  }
  // The greatest id is a `>` too, as it is with Redis.
  source->history = request.grouped && source->after != StreamId::Max();
  if (stream != nullptr) FindReady(group, *stream, source);
  return true;
}

// About how many entries the reply will have.
size_t Work(const ReadRequest& request, const Stream& stream, const Source& source) {
  if (!source.ready) return 0;
  constexpr size_t kFew = 1000;
  if (request.count_max() <= kFew) return request.count;
  if (!source.history) {
    return std::min(request.count_max(),
                    stream.CountUpTo(source.after, StreamId::Max(), kStreamWorkMax));
  }
  const StreamConsumer* consumer = stream.FindGroup(request.group)->FindConsumer(request.consumer);
  return consumer == nullptr ? 0 : std::min(request.count_max(), consumer->pending.size());
}

// What was handed to the consumer before and not acknowledged yet. True if it changed anything.
bool ReplyHistory(CommandContext& c, const ReadRequest& request, const Stream& stream,
                  StreamGroup& group, const StreamConsumer& consumer, StreamId start) {
  const size_t mark = c.reply.DeferredArray();
  size_t n = 0;
  bool changed = false;
  for (auto it = consumer.pending.lower_bound(start);
       it != consumer.pending.end() && n < request.count_max(); ++it, ++n) {
    StreamCursor at(stream, *it, *it);
    if (at.Next()) {
      ReplyStreamEntry(c, at);
      PendingEntry* entry = group.FindPending(*it);
      entry->delivered_ms = c.op.now_ms();
      ++entry->deliveries;
      changed = true;
    } else {
      // Deleted from the stream meanwhile.
      c.reply.Array(2);
      ReplyStreamId(c, *it);
      c.reply.NullArray();
    }
  }
  c.reply.SetDeferredArray(mark, n);
  return changed;
}

void ReplyHeader(CommandContext& c, Bytes key) {
  if (c.reply.protocol() == 2) c.reply.Array(2);
  c.reply.Bulk(key);
}

void ReplyNew(CommandContext& c, const ReadRequest& request, const Stream& stream,
              const Source& source) {
  ReplyHeader(c, source.key);
  StreamId start = source.after;
  (void)start.Increment();  // something is ready, so it is not the greatest
  StreamCursor at(stream, start, StreamId::Max());
  ReplyStreamEntries(c, at, request.count_max());
}

// New entries for a consumer, who has them from now on.
void ReplyToGroup(CommandContext& c, const ReadRequest& request, const Stream& stream,
                  StreamGroup& group, StreamConsumer& consumer, StreamId start) {
  const size_t mark = c.reply.DeferredArray();
  size_t n = 0;
  StreamCursor at(stream, start, StreamId::Max());
  for (; n < request.count_max() && at.Next(); ++n) {
    stream.Advance(group, at.id());
    ReplyStreamEntry(c, at);
    if (!request.no_ack) group.Deliver(at.id(), &consumer, c.op.now_ms());
  }
  consumer.active_ms = c.op.now_ms();
  c.reply.SetDeferredArray(mark, n);
}

Edited ReadForGroup(CommandContext& c, const ReadRequest& request, Stream& stream, Source source,
                    size_t* replied) {
  StreamGroup& group = *stream.FindGroup(request.group);
  // A key may be named twice, and what there was be handed out.
  FindReady(&group, stream, &source);
  // Who is asked once more on behalf of a blocked client, and has nothing, changes nothing.
  if (!source.ready && c.mode == RunMode::kServe) return Edited::No();
  StreamConsumer* consumer = group.FindConsumer(request.consumer);
  const bool created = consumer == nullptr;
  if (consumer == nullptr) consumer = group.AddConsumer(request.consumer, c.op.now_ms());
  consumer->seen_ms = c.op.now_ms();
  // A consumer that was created for nothing counts as no change.
  if (!source.ready) {
    return created ? Edited::Yes("xgroup-createconsumer").Counting(0) : Edited::No();
  }
  ++*replied;
  ReplyHeader(c, source.key);
  StreamId start = source.after;
  (void)start.Increment();
  if (source.history) {
    const bool changed = ReplyHistory(c, request, stream, group, *consumer, start);
    if (!changed && !created) return Edited::No();
    return Edited::Yes("xreadgroup").Counting(created ? 2 : 1);
  }
  ReplyToGroup(c, request, stream, group, *consumer, start);
  return Edited::Yes("xreadgroup").Counting(created ? 2 : 1);
}

// Streams with their entries: pairs in an array, or a map.
size_t DeferredStreams(CommandContext& c) {
  return c.reply.protocol() == 2 ? c.reply.DeferredArray() : c.reply.DeferredMap();
}
void SetDeferredStreams(CommandContext& c, size_t mark, size_t n) {
  c.reply.protocol() == 2 ? c.reply.SetDeferredArray(mark, n) : c.reply.SetDeferredMap(mark, n);
}
void ReplyOneStream(CommandContext& c) {
  c.reply.protocol() == 2 ? c.reply.Array(1) : c.reply.Map(1);
}

// A client that waits in XREAD goes on waiting while a key it reads from is of another type; one
// that waits as a member of a group gets the error.
Status Forgive(const CommandContext& c, const ReadRequest& request, Status s) {
  const bool forgiven = s == Status::kWrongType && c.mode == RunMode::kServe && !request.grouped;
  return forgiven ? Status::kNotFound : s;
}

// Reads from one stream: looking and replying are one step.
Status ReadOne(CommandContext& c, const ReadRequest& request, Source* source, bool* failed) {
  const Bytes id = c.args[request.first_key + 1];
  const KeyRef key = c.key(request.first_key);
  const auto examine = [&](const Stream* stream) {
    *failed = !Examine(c, request, stream, id, source);
    if (*failed || stream == nullptr) return Status::kOk;
    if (TooLong(c, Work(request, *stream, *source))) return Status::kTooLong;
    if (source->ready) ReplyOneStream(c);
    return Status::kOk;
  };
  Status s = Status::kOk;
  if (request.grouped) {
    s = c.db().Edit<Stream>(
        c.op, key,
        [&](Stream& stream) {
          const Status seen = examine(&stream);
          if (seen != Status::kOk || *failed) return Edited::No(seen);
          EnsureEntriesReply(stream, Work(request, stream, *source));
          size_t replied = 0;
          return ReadForGroup(c, request, stream, *source, &replied);
        },
        Database::Access::kRead);
  } else {
    s = c.db().Read<Stream>(c.op, key, [&](const Stream& stream) {
      const Status seen = examine(&stream);
      if (seen == Status::kOk && !*failed && source->ready) {
        ReplyNew(c, request, stream, *source);
      }
      return seen;
    });
  }
  s = Forgive(c, request, s);
  return s == Status::kNotFound ? examine(nullptr) : s;
}

// Looks at several streams, whose keys are locked. kTooLong, or an error is written: nothing else
// has happened.
Status ExamineAll(CommandContext& c, const ReadRequest& request, Sources* sources, bool* failed) {
  size_t work = 0;
  for (size_t i = 0; i < request.streams; ++i) {
    Source& source = (*sources)[i];
    const Bytes id = c.args[request.first_key + request.streams + i];
    Status s = c.db().Read<Stream>(c.op, KeyRef::Of(source.key), [&](const Stream& stream) {
      *failed = !Examine(c, request, &stream, id, &source);
      if (!*failed) work += Work(request, stream, source);
      return Status::kOk;
    });
    s = Forgive(c, request, s);
    if (s == Status::kNotFound) {
      *failed = !Examine(c, request, nullptr, id, &source);
      s = Status::kOk;
    }
    if (s != Status::kOk || *failed) return s;
  }
  return TooLong(c, work) ? Status::kTooLong : Status::kOk;
}

bool AnyReady(const Sources& sources) {
  return std::any_of(sources.begin(), sources.end(),
                     [](const Source& source) { return source.ready; });
}

Status ReadSeveral(CommandContext& c, const ReadRequest& request, Sources* sources, bool* failed) {
  std::vector<KeyLocks::Target> targets;
  for (const Source& source : *sources) targets.emplace_back(&c.db(), KeyRef::Of(source.key));
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) != Status::kOk) return Status::kBusy;
  const Status s = ExamineAll(c, request, sources, failed);
  if (s != Status::kOk || *failed) return s;
  const bool ready = AnyReady(*sources);
  const size_t mark = ready ? DeferredStreams(c) : 0;
  size_t replied = 0;
  for (const Source& source : *sources) {
    const KeyRef key = KeyRef::Of(source.key);
    if (request.grouped) {
      (void)c.db().Edit<Stream>(c.op, key, [&](Stream& stream) {
        EnsureEntriesReply(stream, Work(request, stream, source));
        return ReadForGroup(c, request, stream, source, &replied);
      });
    } else if (source.ready) {
      const auto reply = [&](const Stream& stream) {
        ReplyNew(c, request, stream, source);
        return Status::kOk;
      };
      (void)c.db().Read<Stream>(c.op, key, reply, Database::Access::kPeek);
      ++replied;
    }
  }
  if (ready) SetDeferredStreams(c, mark, replied);
  return Status::kOk;
}

Outcome Block(CommandContext& c, const ReadRequest& request, const Sources& sources) {
  // `$` means the last id of now, also when the command runs again.
  std::vector<std::string> ids;
  std::vector<Bytes> retry(c.args.begin(), c.args.end());
  ids.reserve(sources.size());
  absl::InlinedVector<Bytes, 4> keys;
  for (size_t i = 0; i < sources.size(); ++i) {
    keys.push_back(sources[i].key);
    Bytes& id = retry[request.first_key + request.streams + i];
    if (id != "$") continue;
    const StreamId after = sources[i].after;
    ids.push_back(std::to_string(after.ms) + "-" + std::to_string(after.seq));
    id = ids.back();
  }
  BlockOptions options{.timeout_ms = request.timeout_ms, .wake_when_gone = request.grouped};
  if (!ids.empty()) options.retry_as = retry;
  return BlockOnKeys(c, keys, options);
}

Outcome ReadStreams(CommandContext& c, bool grouped) {
  ReadRequest request;
  request.grouped = grouped;
  if (!ParseReadRequest(c, &request)) return Done();
  // Who waited does not know how much has come; and this core did not ask for it.
  constexpr size_t kServedMax = 1000;
  if (c.mode == RunMode::kServe && request.count == 0) request.count = kServedMax;
  Sources sources(request.streams);
  for (size_t i = 0; i < request.streams; ++i) sources[i].key = c.args[request.first_key + i];
  bool failed = false;
  const Status s = request.streams == 1 ? ReadOne(c, request, sources.data(), &failed)
                                        : ReadSeveral(c, request, &sources, &failed);
  if (s != Status::kOk) return FailStatus(c, s);
  if (failed || AnyReady(sources)) return Done();
  if (request.timeout_ms >= 0) return Block(c, request, sources);
  c.reply.NullArray();
  return Done();
}

Outcome XRead(CommandContext& c) { return ReadStreams(c, false); }
Outcome XReadGroup(CommandContext& c) { return ReadStreams(c, true); }

constexpr CommandRow kRows[] = {
    {.name = "xread",
     .arity = -4,
     .flags = kReadonly | kBlocking | kMovableKeys,
     .keys = {{{1, -1, 1, kKeyRo | kKeyAccess, KeyForm::kAfterWord, "STREAMS", 2}}},
     .acl = kAclStream,
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(N) with N the entries returned",
     .summary = "Returns what is newer than an id in each of several streams. Can wait for it.",
     .handler = XRead,
     .syntax = "[COUNT count] [BLOCK milliseconds] STREAMS (key ... id ...)"},
    {.name = "xreadgroup",
     .arity = -7,
     .flags = kWrite | kBlocking | kMovableKeys,
     .keys = {{{4, -1, 1, kKeyRo | kKeyAccess, KeyForm::kAfterWord, "STREAMS", 2}}},
     .acl = kAclStream,
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(N) with N the entries returned",
     .summary = "Hands new entries to a consumer of a group, or shows those it has. Can wait for "
                "new ones.",
     .handler = XReadGroup,
     .syntax = "GROUP (group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS (key ... "
               "id ...)"},
};

}  // namespace

std::span<const CommandRow> StreamReadCommands() { return kRows; }

}  // namespace mantis::server
