#include "server/commands/geo_search_args.h"

#include <string>

#include "protocol/number.h"
#include "server/commands/geo_args.h"

namespace mantis::server {
namespace {

// Each function writes the error and returns false.
class Parser {
 public:
  Parser(CommandContext& c, const GeoSyntax& syntax, const SortedSet* set)
      : c_(c), syntax_(syntax), set_(set) {}

  bool Parse(GeoSearch* out) {
    search_ = out;
    if (syntax_.stores) out->store_key = 1;
    if (!ParseCenter()) return false;
    for (at_ = syntax_.options; at_ < c_.argc(); ++at_) {
      if (ParseWord() || (!failed_ && ParseValue()) || (!failed_ && ParseArea())) continue;
      if (!failed_) (void)SyntaxError(c_);
      return false;
    }
    return Check();
  }

 private:
  size_t left() const { return c_.argc() - at_ - 1; }
  bool Is(std::string_view word) const { return EqualsIgnoreCase(c_.args[at_], word); }
  bool Failed(std::string_view error) {
    c_.reply.Error(error);
    return Failed();
  }
  bool Failed() {
    failed_ = true;
    return false;
  }

  // What GEORADIUS and its kin have before the options.
  bool ParseCenter() {
    if (syntax_.search) return true;
    if (!syntax_.by_member) return ParsePoint(c_, 2, &search_->shape.center) && ParseCircle(4);
    // Without the key neither member nor radius are looked at.
    return set_ == nullptr || (ParseMember(2) && ParseCircle(3));
  }

  bool ParseMember(size_t at) {
    const auto score = set_->Score(c_.args[at]);
    if (!score) return Failed("ERR could not decode requested zset member");
    search_->shape.center = geo::Decode(*score);
    return true;
  }

  bool ParseLength(Bytes arg, std::string_view name, double* out) {
    const auto v = protocol::ParseDouble(arg);
    if (!v) return Failed("ERR need numeric " + std::string(name));
    *out = *v;
    return true;
  }

  bool ParseCircle(size_t at) {
    geo::Shape& shape = search_->shape;
    shape.kind = geo::Shape::Kind::kCircle;
    if (!ParseLength(c_.args[at], "radius", &shape.width)) return false;
    if (shape.width < 0) return Failed("ERR radius cannot be negative");
    shape.height = shape.width;
    return ParseUnit(c_, c_.args[at + 1], &shape.metres_per_unit) || Failed();
  }

  bool ParseBox(size_t at) {
    geo::Shape& shape = search_->shape;
    shape.kind = geo::Shape::Kind::kBox;
    if (!ParseLength(c_.args[at], "width", &shape.width)) return false;
    if (!ParseLength(c_.args[at + 1], "height", &shape.height)) return false;
    if (shape.width < 0 || shape.height < 0) {
      return Failed("ERR height or width cannot be negative");
    }
    return ParseUnit(c_, c_.args[at + 2], &shape.metres_per_unit) || Failed();
  }

  // Options of one word.
  bool ParseWord() {
    if (Is("WITHDIST")) {
      search_->with_distance = true;
    } else if (Is("WITHHASH")) {
      search_->with_hash = true;
    } else if (Is("WITHCOORD")) {
      search_->with_point = true;
    } else if (Is("ANY")) {
      search_->any = true;
    } else if (Is("ASC")) {
      search_->order = GeoOrder::kAscending;
    } else if (Is("DESC")) {
      search_->order = GeoOrder::kDescending;
    } else if (Is("STOREDIST") && syntax_.stores) {
      search_->store_distance = true;
    } else {
      return false;
    }
    return true;
  }

  bool ParseValue() {
    if (left() < 1) return false;
    if (Is("COUNT")) {
      if (!ParseInteger(c_, c_.args[++at_], &search_->count)) return Failed();
      return search_->count > 0 || Failed("ERR COUNT must be > 0");
    }
    if (!syntax_.store_options || !(Is("STORE") || Is("STOREDIST"))) return false;
    search_->store_distance = Is("STOREDIST");
    search_->store_key = ++at_;
    return true;
  }

  // FROMMEMBER, FROMLONLAT, BYRADIUS, BYBOX: one of the first two, one of the last.
  bool ParseArea() {
    if (!syntax_.search) return false;
    const size_t at = at_ + 1;
    if (Is("FROMMEMBER") && left() >= 1 && !from_place_) {
      from_member_ = search_->has_center = true;
      at_ += 1;
      return set_ == nullptr || ParseMember(at);
    }
    if (Is("FROMLONLAT") && left() >= 2 && !from_member_) {
      from_place_ = search_->has_center = true;
      at_ += 2;
      return ParsePoint(c_, at, &search_->shape.center) || Failed();
    }
    if (Is("BYRADIUS") && left() >= 2 && !by_box_) {
      by_radius_ = search_->has_shape = true;
      at_ += 2;
      return ParseCircle(at);
    }
    if (Is("BYBOX") && left() >= 3 && !by_radius_) {
      by_box_ = search_->has_shape = true;
      at_ += 3;
      return ParseBox(at);
    }
    return false;
  }

  bool Check() {
    if (search_->store_key != 0 &&
        (search_->with_distance || search_->with_hash || search_->with_point)) {
      return Failed(std::string("ERR ") +
                    (syntax_.stores ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS") +
                    " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    }
    const std::string name(c_.args[0]);
    if (syntax_.search && !search_->has_center) {
      return Failed("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name);
    }
    if (syntax_.search && !search_->has_shape) {
      return Failed("ERR exactly one of BYRADIUS and BYBOX can be specified for " + name);
    }
    if (search_->any && search_->count == 0) {
      return Failed("ERR the ANY argument requires COUNT argument");
    }
    // To find the nearest ones, all have to be ordered.
    if (search_->count != 0 && search_->order == GeoOrder::kNone && !search_->any) {
      search_->order = GeoOrder::kAscending;
    }
    return true;
  }

  CommandContext& c_;
  const GeoSyntax& syntax_;
  const SortedSet* set_;
  GeoSearch* search_ = nullptr;
  size_t at_ = 0;
  bool failed_ = false;
  bool from_member_ = false;
  bool from_place_ = false;
  bool by_radius_ = false;
  bool by_box_ = false;
};

}  // namespace

bool ParseGeoSearch(CommandContext& c, const GeoSyntax& syntax, const SortedSet* set,
                    GeoSearch* out) {
  return Parser(c, syntax, set).Parse(out);
}

}  // namespace mantis::server
