#include "engine/value/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mantis::geo {
namespace {

constexpr double kEarthRadius = 6372797.560856;
// Half the width of the projected map, to the metre that Redis uses.
constexpr double kMercatorMax = 20037726.37;
constexpr int kStepsMax = 26;  // bits of each coordinate
constexpr double kRadiansPerDegree = std::numbers::pi / 180;

double Radians(double degrees) { return degrees * kRadiansPerDegree; }
double Degrees(double radians) { return radians / kRadiansPerDegree; }

// Spreads 32 bits over the even bits of 64.
uint64_t Spread(uint32_t v) {
  uint64_t x = v;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x << 2) & 0x3333333333333333;
  return (x | x << 1) & 0x5555555555555555;
}

uint32_t Gather(uint64_t x) {
  x &= 0x5555555555555555;
  x = (x | x >> 1) & 0x3333333333333333;
  x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x >> 4) & 0x00ff00ff00ff00ff;
  x = (x | x >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(x | x >> 16);
}

// A cell of a grid of 2^steps columns and rows, from the south-west corner on. A point on the
// eastern or northern edge of the map lies one column or row beyond.
struct Cell {
  uint32_t column = 0;
  uint32_t row = 0;

  uint64_t bits() const { return Spread(row) | Spread(column) << 1; }
};

struct Interval {
  double min;
  double max;
};
constexpr Interval kMapLongitudes{-kLongitudeMax, kLongitudeMax};
constexpr Interval kMapLatitudes{-kLatitudeMax, kLatitudeMax};

uint32_t IndexOf(double v, const Interval& all, int steps) {
  const double part = (v - all.min) / (all.max - all.min);
  return static_cast<uint32_t>(part * static_cast<double>(uint64_t{1} << steps));
}

Interval IntervalOf(uint32_t index, const Interval& all, int steps) {
  const auto cells = static_cast<double>(uint64_t{1} << steps);
  const double scale = all.max - all.min;
  return {all.min + index / cells * scale, all.min + (index + 1u) / cells * scale};
}

Cell CellAt(const Point& p, int steps) {
  return {IndexOf(p.longitude, kMapLongitudes, steps), IndexOf(p.latitude, kMapLatitudes, steps)};
}

// One column or row on, around the map's edge if need be.
uint32_t Moved(uint32_t index, int by, int steps) {
  if (by == 0) return index;
  return (index + static_cast<uint32_t>(by)) & ((1u << steps) - 1);
}

struct Box {
  Interval longitudes;
  Interval latitudes;
};

Box BoxOf(const Cell& cell, int steps) {
  return {IntervalOf(cell.column, kMapLongitudes, steps),
          IntervalOf(cell.row, kMapLatitudes, steps)};
}

// The box around the shape, by its widest parallel.
Box BoundsOf(const Shape& shape) {
  const bool circle = shape.kind == Shape::Kind::kCircle;
  const double height = shape.metres_per_unit * (circle ? shape.height : shape.height / 2);
  const double width = shape.metres_per_unit * (circle ? shape.width : shape.width / 2);
  const double latitude = shape.center.latitude;
  const double longitude = shape.center.longitude;
  const double up = Degrees(height / kEarthRadius);
  const double poleward = latitude < 0 ? latitude - up : latitude + up;
  const double aside = Degrees(width / kEarthRadius / std::cos(Radians(poleward)));
  return {{longitude - aside, longitude + aside}, {latitude - up, latitude + up}};
}

// The finest grid of which nine cells should cover a circle of that radius.
int StepsFor(double radius, double latitude) {
  if (radius == 0) return kStepsMax;
  int steps = 1;
  for (; radius < kMercatorMax; radius *= 2) ++steps;
  steps -= 2;
  // Meridians come together towards the poles.
  const double polar = std::abs(latitude);
  if (polar > 66) --steps;
  if (polar > 80) --steps;
  return std::clamp(steps, 1, kStepsMax);
}

// Whether the cells around `cell` reach as far as the bounds, which near the poles may be no
// numbers at all: then they do.
bool Covers(const Cell& cell, int steps, const Box& bounds) {
  const Cell north_east{Moved(cell.column, 1, steps), Moved(cell.row, 1, steps)};
  const Cell south_west{Moved(cell.column, -1, steps), Moved(cell.row, -1, steps)};
  const Box far = BoxOf(north_east, steps);
  const Box near = BoxOf(south_west, steps);
  return !(far.latitudes.max < bounds.latitudes.max) &&
         !(near.latitudes.min > bounds.latitudes.min) &&
         !(far.longitudes.max < bounds.longitudes.max) &&
         !(near.longitudes.min > bounds.longitudes.min);
}

double LatitudeDistance(double a, double b) {
  return kEarthRadius * std::abs(Radians(b) - Radians(a));
}

}  // namespace

bool IsValid(const Point& p) {
  return std::abs(p.longitude) <= kLongitudeMax && std::abs(p.latitude) <= kLatitudeMax;
}

uint64_t Encode(const Point& p) { return CellAt(p, kStepsMax).bits(); }

uint64_t BitsOf(double score) {
  // As the processor converts it, without what the language leaves open.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (score >= -kTwoTo63 && score < kTwoTo63) {
    return static_cast<uint64_t>(static_cast<int64_t>(score));
  }
  return score >= kTwoTo63 && score < 2 * kTwoTo63 ? static_cast<uint64_t>(score) : 0;
}

Point Decode(double score) {
  const uint64_t bits = BitsOf(score);
  const Box box = BoxOf({Gather(bits >> 1), Gather(bits)}, kStepsMax);
  const double longitude = (box.longitudes.min + box.longitudes.max) / 2;
  const double latitude = (box.latitudes.min + box.latitudes.max) / 2;
  return {std::clamp(longitude, -kLongitudeMax, kLongitudeMax),
          std::clamp(latitude, -kLatitudeMax, kLatitudeMax)};
}

std::array<char, 11> ToText(const Point& p) {
  constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr Interval kAllLatitudes{-90, 90};
  const Cell cell{IndexOf(p.longitude, kMapLongitudes, kStepsMax),
                  IndexOf(p.latitude, kAllLatitudes, kStepsMax)};
  std::array<char, 11> text;
  text.fill(kAlphabet[0]);
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    text[i] = kAlphabet[cell.bits() >> (2 * kStepsMax - 5 * (i + 1)) & 31];
  }
  return text;
}

double Distance(const Point& a, const Point& b) {
  const double v = std::sin((Radians(b.longitude) - Radians(a.longitude)) / 2);
  if (v == 0) return LatitudeDistance(a.latitude, b.latitude);
  const double a_latitude = Radians(a.latitude);
  const double b_latitude = Radians(b.latitude);
  const double u = std::sin((b_latitude - a_latitude) / 2);
  const double haversine = u * u + std::cos(a_latitude) * std::cos(b_latitude) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(haversine));
}

std::optional<double> DistanceInside(const Shape& shape, const Point& p) {
  const Point& center = shape.center;
  if (shape.kind == Shape::Kind::kCircle) {
    const double distance = Distance(center, p);
    if (distance > shape.width * shape.metres_per_unit) return std::nullopt;
    return distance;
  }
  const double half_height = shape.height * shape.metres_per_unit / 2;
  const double half_width = shape.width * shape.metres_per_unit / 2;
  if (LatitudeDistance(p.latitude, center.latitude) > half_height) return std::nullopt;
  if (Distance(p, {center.longitude, p.latitude}) > half_width) return std::nullopt;
  return Distance(center, p);
}

absl::InlinedVector<ScoreCell, 9> CellsOf(const Shape& shape) {
  const Box bounds = BoundsOf(shape);
  const double across = shape.width / 2;
  const double along = shape.height / 2;
  const double radius =
      shape.kind == Shape::Kind::kCircle ? shape.width : std::sqrt(across * across + along * along);
  int steps = StepsFor(radius * shape.metres_per_unit, shape.center.latitude);
  Cell center = CellAt(shape.center, steps);
  if (steps > 1 && !Covers(center, steps, bounds)) center = CellAt(shape.center, --steps);
  const Box box = BoxOf(center, steps);
  // A neighbour is of no use if the shape does not leave the centre's cell on its side.
  const bool all = steps < 2;
  const bool south = all || !(box.latitudes.min < bounds.latitudes.min);
  const bool north = all || !(box.latitudes.max > bounds.latitudes.max);
  const bool west = all || !(box.longitudes.min < bounds.longitudes.min);
  const bool east = all || !(box.longitudes.max > bounds.longitudes.max);
  struct Direction {
    int east;
    int north;
  };
  constexpr Direction kDirections[] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                       {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  absl::InlinedVector<ScoreCell, 9> cells;
  const int shift = 2 * (kStepsMax - steps);
  for (const Direction& d : kDirections) {
    if ((d.north > 0 && !north) || (d.north < 0 && !south)) continue;
    if ((d.east > 0 && !east) || (d.east < 0 && !west)) continue;
    const Cell cell{Moved(center.column, d.east, steps), Moved(center.row, d.north, steps)};
    const ScoreCell scores{static_cast<double>(cell.bits() << shift),
                           static_cast<double>((cell.bits() + 1) << shift)};
    // On the coarsest grid east and west of a cell are the same.
    const bool known = std::any_of(cells.begin(), cells.end(),
                                   [&](const ScoreCell& c) { return c.min == scores.min; });
    if (!known) cells.push_back(scores);
  }
  return cells;
}

}  // namespace mantis::geo
