#include "server/commands/geo_args.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

namespace mantis::server {
namespace {

void ReplyCoordinate(CommandContext& c, double v) {
  const std::string text = FormatLongDouble(v);
  if (c.reply.protocol() == 2) {
    c.reply.Bulk(text);
  } else {
    // More digits than ReplyWriter gives a double, as Redis does.
    c.reply.Raw("," + text + "\r\n");
  }
}

}  // namespace

bool ParsePoint(CommandContext& c, size_t at, geo::Point* out) {
  if (!ParseFloat(c, c.args[at], &out->longitude)) return false;
  if (!ParseFloat(c, c.args[at + 1], &out->latitude)) return false;
  if (geo::IsValid(*out)) return true;
  // The longest doubles have some 310 digits before the point.
  char text[720];
  std::snprintf(text, sizeof(text), "ERR invalid longitude,latitude pair %f,%f", out->longitude,
                out->latitude);
  c.reply.Error(text);
  return false;
}

bool ParseUnit(CommandContext& c, Bytes arg, double* metres) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
  for (const auto& [name, length] : kUnits) {
    if (!EqualsIgnoreCase(arg, name)) continue;
    *metres = length;
    return true;
  }
  c.reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return false;
}

void ReplyPoint(CommandContext& c, const geo::Point& p) {
  c.reply.Array(2);
  ReplyCoordinate(c, p.longitude);
  ReplyCoordinate(c, p.latitude);
}

void ReplyDistance(CommandContext& c, double distance) {
  // Distances on earth are far below what a 64-bit number of ten-thousandths holds.
  const auto scaled = static_cast<uint64_t>(std::llrint(distance * 10000));
  char text[32];
  const int n = std::snprintf(text, sizeof(text), "%llu.%04llu",
                              static_cast<unsigned long long>(scaled / 10000),
                              static_cast<unsigned long long>(scaled % 10000));
  c.reply.Bulk({text, static_cast<size_t>(n)});
}

}  // namespace mantis::server
