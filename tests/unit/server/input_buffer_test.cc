#include "server/net/input_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace mantis::server {
namespace {

void Add(InputBuffer& buffer, const std::string& text) {
  std::memcpy(buffer.Reserve(text.size()), text.data(), text.size());
  buffer.Commit(text.size());
}

TEST(InputBuffer, HoldsNoMemoryWhileEmpty) {
  InputBuffer buffer;
  EXPECT_EQ(buffer.capacity(), 0u);
  Add(buffer, "hello");
  EXPECT_EQ(buffer.view(), "hello");
  buffer.Consume(5);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(InputBuffer, AssignTakesAPartOfItself) {
  InputBuffer buffer;
  Add(buffer, "one two three");
  buffer.Assign(buffer.view().substr(4));
  EXPECT_EQ(buffer.view(), "two three");
  buffer.Assign({});
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(InputBuffer, AssignReplacesByForeignBytes) {
  InputBuffer buffer;
  Add(buffer, "old");
  buffer.Assign("something new");
  EXPECT_EQ(buffer.view(), "something new");
}

TEST(InputBuffer, AnySequenceKeepsTheBytes) {
  std::mt19937 random(7);
  InputBuffer buffer;
  std::string model;
  size_t largest = 0;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      const std::string text(random() % 700, static_cast<char>('a' + step % 26));
      Add(buffer, text);
      model += text;
    } else {
      const size_t n = model.empty() ? 0 : random() % (model.size() + 1);
      buffer.Consume(n);
      model.erase(0, n);
    }
    largest = std::max(largest, model.size());
    ASSERT_EQ(buffer.view(), model);
  }
  EXPECT_LE(buffer.capacity(), 4 * largest + 1024);
}

}  // namespace
}  // namespace mantis::server
