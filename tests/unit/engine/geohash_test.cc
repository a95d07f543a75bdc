// Encoding, distances and the cells of a search. Random searches are checked against a look at
// every point.

#include "engine/value/geohash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

constexpr geo::Point kPalermo{13.361389, 38.115556};
constexpr geo::Point kCatania{15.087269, 37.502669};

std::string Text(const geo::Point& p) {
  const auto text = geo::ToText(geo::Decode(static_cast<double>(geo::Encode(p))));
  return {text.data(), text.size()};
}

TEST(Geohash, KnownPlaces) {
  EXPECT_EQ(geo::Encode(kPalermo), 3479099956230698u);
  EXPECT_EQ(geo::Encode(kCatania), 3479447370796909u);
  EXPECT_EQ(Text(kPalermo), "sqc8b49rny0");
  EXPECT_EQ(Text(kCatania), "sqdtr74hyu0");
  const auto decoded = [](const geo::Point& p) {
    return geo::Decode(static_cast<double>(geo::Encode(p)));
  };
  EXPECT_NEAR(geo::Distance(decoded(kPalermo), decoded(kCatania)), 166274.1516, 0.0001);
  EXPECT_EQ(geo::Distance(kPalermo, kPalermo), 0);
}

TEST(Geohash, Limits) {
  EXPECT_TRUE(geo::IsValid({180, 85.05112878}));
  EXPECT_TRUE(geo::IsValid({-180, -85.05112878}));
  EXPECT_FALSE(geo::IsValid({180.0001, 0}));
  EXPECT_FALSE(geo::IsValid({0, -85.0511288}));
  EXPECT_FALSE(geo::IsValid({HUGE_VAL, 0}));
  EXPECT_EQ(geo::Encode({-180, -85.05112878}), 0u);
}

TEST(Geohash, DecodesWhatItEncoded) {
  std::mt19937_64 rng(test::TestSeed());
  std::uniform_real_distribution<double> longitude(-180, 180);
  std::uniform_real_distribution<double> latitude(-85.05, 85.05);
  for (int i = 0; i < 10'000; ++i) {
    const geo::Point p{longitude(rng), latitude(rng)};
    const geo::Point q = geo::Decode(static_cast<double>(geo::Encode(p)));
    // Half a cell: 360 and 170.1 degrees in 2^26 parts.
    EXPECT_NEAR(p.longitude, q.longitude, 2.7e-6);
    EXPECT_NEAR(p.latitude, q.latitude, 1.3e-6);
  }
}

// A sorted set's scores are any numbers.
TEST(Geohash, AnyScoreIsSomePlace) {
  for (const double score : {0.0, -1.0, 0.5, 1e15, 1e18, 1e19, 1e300, -1e19, -1e300, HUGE_VAL,
                             -HUGE_VAL, 4503599627370496.0}) {
    EXPECT_TRUE(geo::IsValid(geo::Decode(score))) << score;
  }
}

TEST(Geohash, BoxesAreMeasuredAlongTheAxes) {
  const geo::Shape box{geo::Shape::Kind::kBox, {10, 50}, 200, 100, 1000};
  EXPECT_TRUE(geo::DistanceInside(box, {10, 50.44}));
  EXPECT_FALSE(geo::DistanceInside(box, {10, 50.46}));
  EXPECT_TRUE(geo::DistanceInside(box, {11.39, 50}));
  EXPECT_FALSE(geo::DistanceInside(box, {11.41, 50}));
}

// The cells are disjoint and cover the shape: whatever is inside lies in exactly one. Not beyond
// the 180th meridian, around which a search does not look.
TEST(Geohash, CellsCoverTheShape) {
  std::mt19937_64 rng(test::TestSeed());
  std::uniform_real_distribution<double> unit(0, 1);
  int inside = 0;
  for (int round = 0; round < 3000; ++round) {
    geo::Shape shape;
    shape.kind = round % 2 == 0 ? geo::Shape::Kind::kCircle : geo::Shape::Kind::kBox;
    shape.center = {unit(rng) * 240 - 120, unit(rng) * 140 - 70};
    shape.width = std::pow(10, unit(rng) * 6);
    shape.height = round % 2 == 0 ? shape.width : std::pow(10, unit(rng) * 6);
    const auto cells = geo::CellsOf(shape);
    ASSERT_GE(cells.size(), 1u);
    ASSERT_LE(cells.size(), 9u);
    for (int i = 0; i < 40; ++i) {
      const double degrees = std::max(shape.width, shape.height) / 111'000;
      geo::Point p{shape.center.longitude + (unit(rng) * 2 - 1) * degrees,
                   shape.center.latitude + (unit(rng) * 2 - 1) * degrees};
      if (!geo::IsValid(p)) continue;
      const auto score = static_cast<double>(geo::Encode(p));
      p = geo::Decode(score);
      if (!geo::DistanceInside(shape, p)) continue;
      ++inside;
      int covering = 0;
      for (const geo::ScoreCell& cell : cells) {
        covering += score >= cell.min && score < cell.max ? 1 : 0;
      }
      ASSERT_EQ(covering, 1) << shape.center.longitude << " " << shape.center.latitude << " "
                             << shape.width << " " << shape.height;
    }
  }
  EXPECT_GT(inside, 10'000);
}

}  // namespace
}  // namespace mantis
