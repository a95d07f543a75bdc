// Values of every type, small and large, for tests of what handles any of them.
//
// Thread safety: pure functions. The same arguments give the same values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/persist/rdb_value.h"
#include "engine/value/hash.h"
#include "engine/value/list.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "engine/value/stream.h"

namespace mantis::test {

// Text, negative and large numbers, nothing, bytes that are no text, and something long.
inline std::string SampleText(size_t i) {
  switch (i % 6) {
    case 0:
      return "text " + std::to_string(i);
    case 1:
      return std::to_string(static_cast<int64_t>(i) * -7);
    case 2:
      return std::to_string(i * 1000003) + "00000000";
    case 3:
      return std::string("\0\xff\r\n", 4) + std::to_string(i);
    case 4:
      return "0" + std::to_string(i);
    default:
      return std::string(20 + i % 100, 'x') + std::to_string(i);
  }
}

inline persist::OwnedValue SampleList(size_t n, const ValueLimits& limits) {
  auto list = std::make_unique<List>(limits.list_max_listpack_size);
  for (size_t i = 0; i < n; ++i) {
    list->Push(SampleText(i), i % 3 == 0 ? List::End::kHead : List::End::kTail);
  }
  list->Push("", List::End::kTail);
  return persist::OwnedValue(std::move(list));
}

inline persist::OwnedValue SampleSet(size_t n, bool integers, const ValueLimits& limits) {
  auto set = std::make_unique<Set>();
  for (size_t i = 0; i < n; ++i) {
    set->Add(integers ? std::to_string(i * i * 31) : SampleText(i), limits);
  }
  return persist::OwnedValue(std::move(set));
}

inline persist::OwnedValue SampleHash(size_t n, const ValueLimits& limits) {
  auto hash = std::make_unique<Hash>();
  for (size_t i = 0; i < n; ++i) hash->Set(SampleText(i), SampleText(i * 3 + 1), limits, 0);
  return persist::OwnedValue(std::move(hash));
}

inline persist::OwnedValue SampleHashWithDeadlines(size_t n, const ValueLimits& limits) {
  constexpr int64_t kFar = int64_t{1} << 45;
  auto hash = std::make_unique<Hash>();
  for (size_t i = 0; i < n; ++i) {
    hash->Set(SampleText(i), SampleText(i + 1), limits, 0);
    if (i % 2 == 0) hash->SetDeadline(SampleText(i), kFar + static_cast<int64_t>(i * 977));
  }
  return persist::OwnedValue(std::move(hash));
}

inline persist::OwnedValue SampleSortedSet(size_t n, const ValueLimits& limits) {
  auto set = std::make_unique<SortedSet>();
  for (size_t i = 0; i < n; ++i) {
    const double sign = i % 2 == 0 ? 1 : -1;
    set->Add(sign * static_cast<double>(i * 7919 % 1000) / 8, SampleText(i), SortedSet::kAlways,
             limits);
  }
  return persist::OwnedValue(std::move(set));
}

inline persist::OwnedValue SampleStream(size_t n) {
  auto stream = std::make_unique<Stream>();
  const StreamNodeLimits limits{512, 10};
  for (size_t i = 1; i <= n; ++i) {
    const std::string a = SampleText(i);
    const std::string b = SampleText(i + 1);
    const std::vector<Bytes> pairs =
        i % 4 == 0 ? std::vector<Bytes>{"f", a, "g", b} : std::vector<Bytes>{"f", a};
    stream->Append({i, i % 3}, pairs, limits);
  }
  if (n > 2) (void)stream->Erase({2, 2});
  StreamGroup* group = stream->AddGroup("readers", {1, 1}, 1);
  StreamConsumer* alice = group->AddConsumer("alice", 1'700'000'000'000, 1'700'000'000'001);
  group->AddConsumer("bob", 1'700'000'000'002);
  group->Deliver({1, 1}, alice, 1'700'000'000'003);
  stream->AddGroup("idle", {0, 0}, StreamGroup::kUnknown);
  return persist::OwnedValue(std::move(stream));
}

// Of every type and form, with a name each.
inline std::vector<std::pair<std::string, persist::OwnedValue>> SampleValues(
    const ValueLimits& limits) {
  std::vector<std::pair<std::string, persist::OwnedValue>> all;
  const auto add = [&all](std::string name, persist::OwnedValue value) {
    all.emplace_back(std::move(name), std::move(value));
  };
  add("integer", persist::OwnedValue(MakeString("-12345", Word{})));
  add("large integer", persist::OwnedValue(MakeString("9223372036854775807", Word{})));
  add("empty string", persist::OwnedValue(MakeString("", Word{})));
  add("long string", persist::OwnedValue(MakeString(std::string(100'000, 'y'), Word{})));
  add("string buffer",
      persist::OwnedValue(std::make_unique<StringBuffer>(std::string(100'000, 'z'))));
  for (const size_t n : {size_t{1}, size_t{20}, size_t{3000}}) {
    const std::string size = " of " + std::to_string(n);
    add("list" + size, SampleList(n, limits));
    add("integers" + size, SampleSet(n, true, limits));
    add("set" + size, SampleSet(n, false, limits));
    add("hash" + size, SampleHash(n, limits));
    add("deadlines" + size, SampleHashWithDeadlines(n, limits));
    add("sorted set" + size, SampleSortedSet(n, limits));
    add("stream" + size, SampleStream(n));
  }
  return all;
}

}  // namespace mantis::test
