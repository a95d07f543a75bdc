// List against std::deque<std::string>: random operations at small and large node limits.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "engine/value/list.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using End = List::End;
using Model = std::deque<std::string>;

std::string TextOf(const List::Item& item) {
  char digits[24];
  return std::string(item.View(std::span<char, 24>(digits)));
}

class ListModelTest : public testing::TestWithParam<int> {
 protected:
  std::string RandomText() {
    switch (rng_() % 16) {
      case 0:
        return std::string(rng_() % 12000, 'L');  // now and then larger than a node
      case 1:
      case 2:
        return std::string(rng_() % 700, 'm');
      case 3:
        return std::to_string(static_cast<int64_t>(rng_()) >> (rng_() % 64));
      default:
        return std::to_string(rng_() % 12);  // few different ones, so that LREM finds some
    }
  }
  size_t Below(size_t n) { return n == 0 ? 0 : static_cast<size_t>(rng_() % n); }
  End RandomEnd() { return rng_() % 2 == 0 ? End::kHead : End::kTail; }

  void Push() {
    const End end = RandomEnd();
    const std::string text = RandomText();
    list_->Push(text, end);
    end == End::kHead ? model_.push_front(text) : model_.push_back(text);
  }

  void Pop() {
    if (model_.empty()) return;
    const End end = RandomEnd();
    std::string got;
    list_->Pop(end, [&got](const List::Item& item) { got = TextOf(item); });
    ASSERT_EQ(got, end == End::kHead ? model_.front() : model_.back());
    end == End::kHead ? model_.pop_front() : model_.pop_back();
  }

  void Drop() {
    const End end = RandomEnd();
    const size_t n = rng_() % 100 == 0 ? model_.size() : Below(std::min<size_t>(model_.size(), 12));
    list_->Drop(n, end);
    const auto count = static_cast<ptrdiff_t>(n);
    end == End::kHead ? model_.erase(model_.begin(), model_.begin() + count)
                      : model_.erase(model_.end() - count, model_.end());
  }

  void Set() {
    const size_t at = Below(model_.size() + 1);
    const std::string text = RandomText();
    const bool from_tail = rng_() % 2 == 0;
    const auto index = static_cast<int64_t>(at);
    const bool done =
        list_->Set(from_tail ? index - static_cast<int64_t>(model_.size()) : index, text);
    // With a size of n, the index n is past the end, but n-n is the first.
    const size_t meant = from_tail && at == model_.size() ? 0 : at;
    ASSERT_EQ(done, meant < model_.size());
    if (done) model_[meant] = text;
  }

  void Insert() {
    if (model_.empty()) return;
    const size_t at = Below(model_.size());
    const std::string text = RandomText();
    const auto place = list_->At(static_cast<int64_t>(at));
    const bool after = rng_() % 2 == 0;
    after ? list_->InsertAfter(place, text) : list_->InsertBefore(place, text);
    model_.insert(model_.begin() + static_cast<ptrdiff_t>(at + (after ? 1 : 0)), text);
  }

  void Remove() {
    const std::string text =
        model_.empty() || rng_() % 8 == 0 ? RandomText() : model_[Below(model_.size())];
    const size_t limit = rng_() % 3 == 0 ? SIZE_MAX : 1 + rng_() % 3;
    const End from = RandomEnd();
    const size_t removed = list_->Remove(text, limit, from);
    if (from == End::kTail) std::reverse(model_.begin(), model_.end());
    size_t expected = 0;
    model_.erase(std::remove_if(model_.begin(), model_.end(),
                                [&](const std::string& s) {
                                  if (expected == limit || s != text) return false;
                                  ++expected;
                                  return true;
                                }),
                 model_.end());
    if (from == End::kTail) std::reverse(model_.begin(), model_.end());
    ASSERT_EQ(removed, expected);
  }

  // Writes every node down and reads it into a new list, as DUMP and RESTORE do.
  void Reload() {
    auto again = std::make_unique<List>(GetParam());
    for (size_t i = 0; i < list_->node_count(); ++i) {
      if (const auto lone = list_->LoneElement(i); lone.valid()) {
        again->Push(TextOf(lone.item()), End::kTail);
        continue;
      }
      std::string raw(list_->node(i).listpack_bytes(), '\0');
      list_->node(i).WriteListpack(raw.data());
      ASSERT_TRUE(again->AppendListpack(raw));
    }
    list_ = std::move(again);
  }

  void Step() {
    switch (rng_() % 16) {
      case 0:
      case 1:
        return Pop();
      case 2:
        return rng_() % 4 == 0 ? Drop() : Insert();
      case 3:
        return Set();
      case 4:
      case 5:
      case 6:
        return Insert();
      case 7:
        return Remove();
      case 8:
        if (rng_() % 50 == 0) return Reload();
        return Set();
      default:
        return Push();
    }
  }

  void CheckNodes() {
    size_t elements = 0;
    for (size_t i = 0; i < list_->node_count(); ++i) {
      const ListNode& node = list_->node(i);
      ASSERT_FALSE(node.empty());
      elements += node.count();
      const int limit = GetParam();
      if (limit > 0) {
        ASSERT_LE(node.count(), static_cast<size_t>(limit));
      }
      const size_t bytes_max = limit == -1 ? 4096 : 8192;
      if (node.count() > 1) {
        ASSERT_LE(node.listpack_bytes(), bytes_max);
      }
      ASSERT_EQ(list_->LoneElement(i).valid(), node.listpack_bytes() > bytes_max);
    }
    ASSERT_EQ(elements, model_.size());
  }

  void Check() {
    ASSERT_EQ(list_->size(), model_.size());
    auto it = list_->First();
    for (const std::string& text : model_) {
      ASSERT_TRUE(it.valid());
      ASSERT_EQ(TextOf(it.item()), text);
      ASSERT_TRUE(it.Is(List::Needle(text)));
      it.Next();
    }
    ASSERT_FALSE(it.valid());
    it = list_->Last();
    for (auto m = model_.rbegin(); m != model_.rend(); ++m, it.Prev()) {
      ASSERT_EQ(TextOf(it.item()), *m);
    }
    ASSERT_FALSE(it.valid());
    const auto n = static_cast<int64_t>(model_.size());
    for (const int64_t index : {n / 3, n * 2 / 3, -n / 4}) {
      if (n == 0 || index == n) continue;
      const auto at = static_cast<size_t>(index < 0 ? index + n : index);
      ASSERT_EQ(TextOf(list_->At(index).item()), model_[at]);
    }
    ASSERT_FALSE(list_->At(n).valid());
    ASSERT_FALSE(list_->At(-n - 1).valid());
    CheckNodes();
  }

  std::mt19937_64 rng_{test::TestSeed()};
  std::unique_ptr<List> list_ = std::make_unique<List>(GetParam());
  Model model_;
};

TEST_P(ListModelTest, AgreesWithADeque) {
  for (int i = 0; i < 20000; ++i) {
    Step();
    if (i % 16 == 0) Check();
    if (i % 5000 == 0) {
      const auto copy = list_->Clone();
      ASSERT_EQ(copy->size(), model_.size());
      list_.reset(static_cast<List*>(list_->Clone().release()));
    }
    // Lists of every size are wanted, and checking long ones takes long.
    if (model_.size() > 600) {
      list_->Drop(580, End::kTail);
      model_.erase(model_.end() - 580, model_.end());
    }
    if (HasFatalFailure()) FAIL() << "at step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(NodeLimits, ListModelTest, testing::Values(1, 2, 7, 128, -1, -2));

// Ends only, as queues, stacks and rotations use them, many elements to a node.
TEST_P(ListModelTest, EndsOfLongLists) {
  for (int phase = 0; phase < 40; ++phase) {
    const uint64_t pushes = rng_() % 8;  // of eight steps
    const End push_end = RandomEnd();
    const End pop_end = RandomEnd();
    for (int i = 0; i < 500; ++i) {
      if (rng_() % 8 < pushes || model_.empty()) {
        const std::string text = std::to_string(rng_() % 100000);
        list_->Push(text, push_end);
        push_end == End::kHead ? model_.push_front(text) : model_.push_back(text);
      } else {
        std::string got;
        list_->Pop(pop_end, [&got](const List::Item& item) { got = TextOf(item); });
        ASSERT_EQ(got, pop_end == End::kHead ? model_.front() : model_.back());
        pop_end == End::kHead ? model_.pop_front() : model_.pop_back();
      }
    }
    Check();
    if (HasFatalFailure()) FAIL() << "in phase " << phase;
  }
}

}  // namespace
}  // namespace mantis
