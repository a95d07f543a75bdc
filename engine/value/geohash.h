// Places on earth as numbers of 52 bits that sort near places near each other: 26 bits of latitude
// and 26 of longitude, interleaved, so that a square cell is a range of numbers. They are the
// scores of sorted sets that GEOADD fills.
//
// Thread safety: pure functions. Ownership: none.
// Units: degrees and metres. Latitudes end at the Mercator projection's limits. The constants are
// Redis's, so that both servers give the same numbers.
#pragma once

#include <absl/container/inlined_vector.h>

#include <array>
#include <cstdint>
#include <optional>

namespace mantis::geo {

struct Point {
  double longitude = 0;
  double latitude = 0;
};

inline constexpr double kLongitudeMax = 180;
inline constexpr double kLatitudeMax = 85.05112878;

// Whether it can be encoded.
bool IsValid(const Point& p);
uint64_t Encode(const Point& p);
// A score as the number it should be, whatever it is.
uint64_t BitsOf(double score);
// The middle of the cell of a score. Any number gives some valid point.
Point Decode(double score);
// The place in geohash.org's alphabet. That one has 55 bits; the last three are left 0.
std::array<char, 11> ToText(const Point& p);
// Along the great circle, taking the earth for a sphere.
double Distance(const Point& a, const Point& b);

// What a search looks into: a circle, or a box along the meridians and parallels.
struct Shape {
  enum class Kind : uint8_t { kCircle, kBox };
  Kind kind = Kind::kCircle;
  Point center;
  // In units of the client's choice; a circle's radius is its width and height.
  double width = 0;
  double height = 0;
  double metres_per_unit = 1;
};

// The distance from the centre in metres, if the point is inside.
std::optional<double> DistanceInside(const Shape& shape, const Point& p);

// Scores from min to below max.
struct ScoreCell {
  double min = 0;
  double max = 0;
};
// Cells that cover the shape: that of its centre, then those of its eight neighbours that are
// needed. Never the same twice.
absl::InlinedVector<ScoreCell, 9> CellsOf(const Shape& shape);

}  // namespace mantis::geo
