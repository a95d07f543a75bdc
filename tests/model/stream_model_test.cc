// Streams under random operations, compared with ordered maps.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/value/stream.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using Strings = std::vector<std::string>;

struct GroupModel {
  struct Entry {
    std::string owner;
    int64_t delivered_ms = 0;
    uint64_t deliveries = 0;
  };
  std::set<std::string> consumers;
  std::map<StreamId, Entry> pending;
};

class StreamModel : public ::testing::Test {
 protected:
  uint64_t Random(uint64_t n) { return rng_() % n; }

  // An id near those there are, or one of them.
  StreamId SomeId() {
    if (!model_.empty() && Random(2) == 0) {
      return std::next(model_.begin(), static_cast<ptrdiff_t>(Random(model_.size())))->first;
    }
    return {Random(last_.ms + 3), Random(4)};
  }

  void Append() {
    StreamId id = last_;
    if (Random(3) == 0) {
      id.ms += 1 + Random(300);
      id.seq = Random(3);
    } else {
      id.seq += 1 + Random(2) * Random(1000);
    }
    Strings pairs;
    const size_t fields = Random(5) == 0 ? 1 + Random(4) : 2;
    for (size_t i = 0; i < fields; ++i) {
      pairs.push_back(Random(10) == 0 ? std::to_string(Random(1000)) : "field" + std::to_string(i));
      pairs.push_back(Random(2) == 0 ? std::to_string(static_cast<int64_t>(rng_()))
                                     : std::string(Random(100), 'v'));
    }
    const std::vector<Bytes> views(pairs.begin(), pairs.end());
    ASSERT_TRUE(Stream::Storable(views));
    stream_->Append(id, views, limits_);
    model_[id] = pairs;
    last_ = id;
    ++added_;
  }

  void Erase() {
    const StreamId id = SomeId();
    ASSERT_EQ(stream_->Contains(id), model_.contains(id));
    const bool there = model_.erase(id) != 0;
    ASSERT_EQ(stream_->Erase(id), there);
    if (there) max_deleted_ = std::max(max_deleted_, id);
  }

  void Trim() {
    StreamTrim trim;
    trim.by = Random(2) == 0 ? StreamTrim::By::kLength : StreamTrim::By::kId;
    trim.length_max = Random(model_.size() + 2);
    trim.first = SomeId();
    trim.whole_nodes = Random(2) == 0;
    if (trim.whole_nodes && Random(2) == 0) trim.limit = 1 + Random(20);
    auto keep = model_.begin();
    size_t wanted = 0;
    while (keep != model_.end() &&
           (trim.by == StreamTrim::By::kLength ? model_.size() - wanted > trim.length_max
                                               : keep->first < trim.first)) {
      ++keep;
      ++wanted;
    }
    const size_t removed = stream_->Trim(trim);
    if (trim.whole_nodes) {
      ASSERT_LE(removed, wanted);
      ASSERT_LE(removed, trim.limit != 0 ? trim.limit : wanted);
      keep = std::next(model_.begin(), static_cast<ptrdiff_t>(removed));
    } else {
      ASSERT_EQ(removed, wanted);
    }
    model_.erase(model_.begin(), keep);
  }

  void TurnBack() {
    last_ = model_.empty() ? StreamId{Random(last_.ms + 1), 1} : model_.rbegin()->first;
    stream_->SetLastId(last_);
  }

  void CheckRange() {
    StreamId low = SomeId();
    StreamId high = SomeId();
    if (Random(10) != 0 && high < low) std::swap(low, high);
    const bool reverse = Random(2) == 0;
    std::vector<StreamId> wanted;
    if (low <= high) {
      for (auto it = model_.lower_bound(low); it != model_.end() && it->first <= high; ++it) {
        wanted.push_back(it->first);
      }
    }
    ASSERT_GE(stream_->CountUpTo(low, high, SIZE_MAX), wanted.size());
    if (reverse) std::reverse(wanted.begin(), wanted.end());
    StreamCursor at(*stream_, low, high, reverse);
    for (const StreamId id : wanted) {
      ASSERT_TRUE(at.Next());
      ASSERT_EQ(at.id(), id);
      Strings pairs;
      at.ForEachField([&](const Listpack::Item& field, const Listpack::Item& value) {
        char room[24];
        pairs.emplace_back(field.View(std::span<char, 24>(room)));
        pairs.emplace_back(value.View(std::span<char, 24>(room)));
      });
      ASSERT_EQ(pairs, model_[id]);
    }
    ASSERT_FALSE(at.Next());
  }

  std::string SomeName() { return "c" + std::to_string(Random(4)); }

  void ChangeGroup() {
    const std::string name = SomeName();
    StreamGroup& group = *stream_->FindGroup("g");
    StreamConsumer* consumer = group.FindConsumer(name);
    ASSERT_EQ(consumer != nullptr, group_.consumers.contains(name));
    if (consumer == nullptr) {
      consumer = group.AddConsumer(name, 1);
      group_.consumers.insert(name);
    }
    const StreamId id = SomeId();
    switch (Random(8)) {
      case 0:
        group.DeleteConsumer(consumer);
        group_.consumers.erase(name);
        std::erase_if(group_.pending, [&](const auto& p) { return p.second.owner == name; });
        break;
      case 1:
        ASSERT_EQ(group.Acknowledge(id), group_.pending.erase(id) != 0);
        break;
      case 2:
        if (PendingEntry* entry = group.FindPending(id); entry != nullptr) {
          group.Transfer(id, entry, consumer);
          group_.pending[id].owner = name;
        }
        break;
      default:
        group.Deliver(id, consumer, static_cast<int64_t>(added_));
        group_.pending[id] = {name, static_cast<int64_t>(added_), 1};
    }
  }

  static void CheckGroup(const Stream& stream, const GroupModel& model) {
    const StreamGroup& group = *stream.FindGroup("g");
    ASSERT_EQ(group.consumers().size(), model.consumers.size());
    ASSERT_EQ(group.pending().size(), model.pending.size());
    size_t owned = 0;
    for (const auto& [name, consumer] : group.consumers()) {
      ASSERT_TRUE(model.consumers.contains(consumer->name));
      owned += consumer->pending.size();
    }
    ASSERT_EQ(owned, model.pending.size());
    auto real = group.pending().begin();
    for (const auto& [id, entry] : model.pending) {
      ASSERT_EQ(real->first, id);
      ASSERT_EQ(real->second.owner->name, entry.owner);
      ASSERT_TRUE(real->second.owner->pending.contains(id));
      ASSERT_EQ(real->second.delivered_ms, entry.delivered_ms);
      ++real;
    }
  }

  void CheckAll() {
    ASSERT_EQ(stream_->size(), model_.size());
    ASSERT_EQ(stream_->last_id(), last_);
    ASSERT_EQ(stream_->max_deleted_id(), max_deleted_);
    ASSERT_EQ(stream_->entries_added(), added_);
    ASSERT_EQ(stream_->first_id(), model_.empty() ? StreamId{} : model_.begin()->first);
    ASSERT_EQ(stream_->LastLiveId(), model_.empty() ? StreamId{} : model_.rbegin()->first);
    for (const auto& [base, node] : stream_->nodes()) ASSERT_GT(node.live(), 0u);
    CheckGroup(*stream_, group_);
  }

  // Goes on with a twin: a clone, or one rebuilt from the stored parts.
  void Renew() {
    if (Random(2) == 0) {
      auto twin = stream_->Clone();
      stream_.reset(static_cast<Stream*>(twin.release()));
      return;
    }
    auto twin = std::make_unique<Stream>();
    for (const auto& [base, node] : stream_->nodes()) {
      ASSERT_TRUE(twin->AddNode(base, node.raw()));
    }
    ASSERT_TRUE(twin->SetTotals({stream_->size(), stream_->last_id(), stream_->max_deleted_id(),
                                 stream_->entries_added()}));
    const StreamGroup& group = *stream_->FindGroup("g");
    StreamGroup* copy = twin->AddGroup("g", group.last_id, group.entries_read);
    for (const auto& [id, entry] : group.pending()) {
      ASSERT_TRUE(copy->AddPending(id, entry.delivered_ms, entry.deliveries));
    }
    for (const auto& [name, consumer] : group.consumers()) {
      StreamConsumer* owner = copy->AddConsumer(name, consumer->seen_ms, consumer->active_ms);
      for (const StreamId id : consumer->pending) ASSERT_TRUE(copy->Assign(id, owner));
    }
    ASSERT_TRUE(copy->Complete());
    stream_ = std::move(twin);
  }

  void Step() {
    switch (Random(16)) {
      case 0:
        return Trim();
      case 1:
      case 2:
        return Erase();
      case 3:
        return Random(20) == 0 ? TurnBack() : CheckRange();
      case 4:
      case 5:
        return CheckRange();
      case 6:
      case 7:
        return ChangeGroup();
      default:
        return Append();
    }
  }

  std::mt19937_64 rng_{test::TestSeed()};
  StreamNodeLimits limits_;
  std::unique_ptr<Stream> stream_;
  std::map<StreamId, Strings> model_;
  GroupModel group_;
  StreamId last_;
  StreamId max_deleted_;
  uint64_t added_ = 0;
};

TEST_F(StreamModel, RandomOperationsMatchOrderedMaps) {
  for (int round = 0; round < 60 && !HasFatalFailure(); ++round) {
    const size_t entries_max[] = {1, 2, 5, 100, 0};
    const size_t bytes_max[] = {4096, 300, 0};
    limits_ = {bytes_max[Random(3)], entries_max[Random(5)]};
    stream_ = std::make_unique<Stream>();
    stream_->AddGroup("g", {}, 0);
    model_.clear();
    group_ = {};
    last_ = max_deleted_ = {};
    added_ = 0;
    for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
      Step();
      if (i % 100 == 0) CheckAll();
      if (i % 500 == 0) Renew();
    }
    CheckAll();
  }
}

}  // namespace
}  // namespace mantis
