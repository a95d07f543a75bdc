// Byte strings: equality without a call says what == says.
#include "engine/base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace mantis {
namespace {

TEST(BytesTest, SameBytesIsEquality) {
  constexpr size_t kMost = 80;
  for (size_t n = 0; n <= kMost; ++n) {
    std::string text(n, 'x');
    for (size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 37);
    const std::string copy = text;
    EXPECT_TRUE(SameBytes(text, copy)) << n;
    EXPECT_FALSE(SameBytes(text, copy + 'x')) << n;
    EXPECT_FALSE(SameBytes(copy + 'x', text)) << n;
    for (size_t i = 0; i < n; ++i) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ 0x80);
      EXPECT_FALSE(SameBytes(text, other)) << n << " bytes, the difference at " << i;
    }
  }
}

}  // namespace
}  // namespace mantis
