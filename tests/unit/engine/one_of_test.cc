// OneOf: forms that are put in, read, edited and exchanged; each is freed once.
#include "engine/value/one_of.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/value/int_set.h"
#include "engine/value/listpack.h"

namespace mantis {
namespace {

struct Large {
  Large() { ++alive; }
  Large(const Large&) = delete;
  Large& operator=(const Large&) = delete;
  ~Large() { --alive; }

  int64_t number = 0;
  static inline int alive = 0;
};

using LargeForm = std::unique_ptr<Large>;
using Form = OneOf<IntSet, Listpack, LargeForm>;

static_assert(sizeof(Form) == sizeof(void*));
static_assert(!std::is_copy_constructible_v<Form>);
static_assert(!std::is_constructible_v<Form, std::unique_ptr<int>>);

Listpack PackOf(std::initializer_list<Bytes> texts) {
  Listpack pack;
  for (const Bytes text : texts) pack.Append(text);
  return pack;
}
std::string Shown(const Listpack& pack) {
  std::string text;
  char digits[24];
  for (auto p = pack.First(); p != Listpack::kEnd; p = pack.Next(p)) {
    text += std::string(pack.Get(p).View(digits)) + " ";
  }
  return text;
}

TEST(OneOf, BeginsAsTheFirstFormAndEmpty) {
  Form form;
  EXPECT_TRUE(form.Is<IntSet>());
  EXPECT_TRUE(form.View<IntSet>()->empty());
  EXPECT_FALSE(form.Is<Listpack>());
  EXPECT_FALSE(form.View<Listpack>());
  EXPECT_TRUE(form.View<Listpack>() == nullptr);
  EXPECT_FALSE(form.Edit<Listpack>());
  EXPECT_EQ(form.Get<LargeForm>(), nullptr);
}

TEST(OneOf, EmptyFormsOfEachKindAreToldApart) {
  Form form = Listpack();
  EXPECT_TRUE(form.Is<Listpack>());
  EXPECT_TRUE(form.View<Listpack>()->empty());
  EXPECT_TRUE(form.View<IntSet>() == nullptr);
  form = IntSet();
  EXPECT_TRUE(form.Is<IntSet>());
  EXPECT_TRUE(form.View<Listpack>() == nullptr);
}

TEST(OneOf, ViewsShowWhatIsThere) {
  const Form form = PackOf({"a", "12"});
  const auto pack = form.View<Listpack>();
  ASSERT_TRUE(pack);
  const auto again = pack;  // a copy shows the same buffer
  EXPECT_EQ(again->raw().data(), pack->raw().data());
  EXPECT_EQ(Shown(*again), "a 12 ");
  // What a view handed out outlives it.
  const Bytes raw = form.View<Listpack>()->raw();
  EXPECT_EQ(raw, PackOf({"a", "12"}).raw());
}

TEST(OneOf, EditsMayMoveTheBuffer) {
  Form form = Listpack();
  std::string wanted;
  for (int i = 0; i < 200; ++i) {
    const std::string text = "element-" + std::to_string(i);
    form.Edit<Listpack>()->Append(text);
    wanted += text + " ";
    ASSERT_EQ(Shown(*form.Edit<Listpack>()), wanted);
  }
  {
    const auto pack = form.Edit<Listpack>();
    pack->Clear();
    pack->Append("x");
    pack->Append("y");
  }
  EXPECT_EQ(form.View<Listpack>()->size(), 2u);
  const auto first = form.View<Listpack>()->First();
  EXPECT_EQ(form.Edit<Listpack>()->Erase(first, 2), Listpack::kEnd);
  EXPECT_TRUE(form.Is<Listpack>());
  EXPECT_TRUE(form.View<Listpack>()->empty());
}

TEST(OneOf, EditsOfAnotherFormChangeNothing) {
  Form form = IntSet();
  form.Edit<IntSet>()->Insert(7);
  EXPECT_FALSE(form.Edit<Listpack>());
  EXPECT_FALSE(form.Edit<LargeForm>());
  EXPECT_TRUE(form.View<IntSet>()->Contains(7));
}

TEST(OneOf, OwnsWhatItsFormOwns) {
  ASSERT_EQ(Large::alive, 0);
  {
    Form form = std::make_unique<Large>();
    form.Get<LargeForm>()->number = 5;
    EXPECT_EQ((*form.Edit<LargeForm>())->number, 5);
    EXPECT_EQ(Large::alive, 1);

    // Another one of the same form, then another form.
    form = std::make_unique<Large>();
    EXPECT_EQ(Large::alive, 1);
    EXPECT_EQ(form.Get<LargeForm>()->number, 0);
    form = PackOf({"a"});
    EXPECT_EQ(Large::alive, 0);
    form = std::make_unique<Large>();
  }
  EXPECT_EQ(Large::alive, 0);
}

TEST(OneOf, MovesAndSwaps) {
  Form a = std::make_unique<Large>();
  Form b = PackOf({"b"});
  std::swap(a, b);
  EXPECT_EQ(Shown(*a.Edit<Listpack>()), "b ");
  EXPECT_NE(b.Get<LargeForm>(), nullptr);

  const Form moved = std::move(b);
  EXPECT_NE(moved.Get<LargeForm>(), nullptr);
  EXPECT_EQ(Large::alive, 1);
}

#ifndef NDEBUG
TEST(OneOfDeathTest, MustNotBeAskedWhileItIsEdited) {
  Form form = PackOf({"a"});
  EXPECT_DEATH(
      {
        const auto pack = form.Edit<Listpack>();
        form.Is<Listpack>();
      },
      "while it is edited");
}
#endif

}  // namespace
}  // namespace mantis
