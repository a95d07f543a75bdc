"""Geo: adding places, positions, distances, and searches by circle and box with all options."""

import random

from support.case import case, norm
from support.resp import Double

_rng = random.Random(1879)
SICILY = "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania "
SICILY += "12.758489 38.788135 edge1 17.241510 38.788135 edge2"


def _places(count, longitudes, latitudes):
    return [
        (
            f"{_rng.uniform(*longitudes):.6f}",
            f"{_rng.uniform(*latitudes):.6f}",
            f"p{i}",
        )
        for i in range(count)
    ]


def _add(key, places):
    return ("GEOADD", key, *[word for place in places for word in place])


WORLD = _places(700, (-180, 180), (-85, 85))
TOWN = _places(90, (9.9, 10.1), (49.9, 50.1))
CROWD = _places(11000, (10, 11), (50, 51))
POLE = _places(150, (-180, 180), (75, 85.05))


def _numbers(reply):
    """Scores as numbers: 7.0 writes more digits of a distance than 7.2."""
    if isinstance(reply, list):
        return [_numbers(item) for item in reply]
    text = reply.text if isinstance(reply, Double) else reply
    try:
        return float(text)
    except ValueError:
        return reply


_STORE = "GEORADIUS s 15 37 200 km STORE d"
DISTANCES = norm("ZRANGE d 0 -1 WITHSCORES", _numbers)
_UNITS = ("m", "km", "mi", "ft", "KM", "Mi")
_WITH = "WITHCOORD WITHDIST WITHHASH"
_BAD_NUMBERS = ("x", "1e400", "nan", '""', "1,5", "180.1", "-180.1", "90", "inf")


def _searches(key, rounds, longitudes, latitudes, radii):
    steps = []
    for i in range(rounds):
        at = f"{_rng.uniform(*longitudes):.5f} {_rng.uniform(*latitudes):.5f}"
        size = 10 ** _rng.uniform(*radii)
        other = 10 ** _rng.uniform(*radii)
        unit = _UNITS[i % len(_UNITS)]
        order = ("ASC", "DESC", "ASC COUNT 5", "COUNT 3", "DESC COUNT 7")[i % 5]
        circle = f"GEOSEARCH {key} FROMLONLAT {at} BYRADIUS {size:.3f} {unit}"
        box = f"GEOSEARCH {key} FROMLONLAT {at} BYBOX {size:.3f} {other:.3f} {unit}"
        steps += [circle, box, f"{circle} {order} {_WITH}", f"{box} {order} {_WITH}"]
        steps += [f"GEORADIUS_RO {key} {at} {size:.3f} {unit} {order} WITHDIST"]
    return steps


CASES = {
    "GEOADD": [
        case("adds and updates", SICILY, SICILY, "GEOADD s 1 2 Palermo 3 4 new", "ZRANGE s 0 -1"),
        case("scores", SICILY, "ZRANGE s 0 -1 WITHSCORES", "ZSCORE s Palermo", "TYPE s"),
        case(
            "options",
            "GEOADD s NX 1 2 a",
            "GEOADD s NX 3 4 a 5 6 b",
            "GEOADD s XX 7 8 a 9 10 c",
            "GEOADD s XX CH 11 12 a 9 10 c",
            "GEOADD s CH 13 14 a 15 16 d 11 12 a",
            "GEOADD s ch nx 1 1 e",
            "GEOADD s CH CH XX 1 1 e 2 2 e",
            "GEOPOS s a b c d e",
            "GEOADD none XX 1 2 a",
            "EXISTS none",
        ),
        case("limits", "GEOADD s 180 85.05112878 a -180 -85.05112878 b 0 0 c", "GEOPOS s a b c"),
        case("hashes", "GEOADD s 180 85.05112878 a -180 -85.05112878 b 0 0 c", "GEOHASH s a b c"),
        case("bad numbers", *[("GEOADD", "s", n.strip('"'), "1", "m") for n in _BAD_NUMBERS]),
        case("bad latitudes", *[("GEOADD", "s", "1", n.strip('"'), "m") for n in _BAD_NUMBERS]),
        case("all or nothing", "GEOADD s 1 2 a 200 3 b", "GEOADD s 1 2 a x 3 b", "EXISTS s"),
        case(
            "syntax errors",
            "GEOADD s NX XX 1 2 a",
            "GEOADD s 1 2 a 3",
            "GEOADD s 1 2 a 3 4",
            "GEOADD s CH 1 2",
            "GEOADD s NX CH CH",
            "GEOADD s GT 1 2 a",
            "EXISTS s",
        ),
        case("wrong type", "SET k v", "GEOADD k 1 2 a", "GEOADD k x 2 a"),
        case("arity", "GEOADD", "GEOADD s", "GEOADD s 1 2"),
    ],
    "GEOPOS": [
        case("positions", SICILY, "GEOPOS s Palermo none Catania", "GEOPOS s", "GEOPOS s none"),
        case("any score", "ZADD s 1 a -5 b 1e15 c 4503599627370496 d 0 e", "GEOPOS s a b c d e"),
        case("missing key", "GEOPOS nokey", "GEOPOS nokey a b"),
        case("wrong type", "SET k v", "GEOPOS k a"),
        case("arity", "GEOPOS"),
    ],
    "GEOHASH": [
        case("texts", SICILY, "GEOHASH s Palermo none Catania edge1", "GEOHASH s"),
        case("missing key", "GEOHASH nokey a", "GEOHASH nokey"),
        case("wrong type", "SET k v", "GEOHASH k a"),
        case("arity", "GEOHASH"),
    ],
    "GEODIST": [
        case("units", SICILY, *[f"GEODIST s Palermo Catania {u}" for u in _UNITS]),
        case("metres", SICILY, "GEODIST s Palermo Catania", "GEODIST s Palermo Palermo"),
        case("many", _add("w", WORLD), *[f"GEODIST w p{i} p{i + 1} km" for i in range(0, 300, 7)]),
        case("missing", SICILY, "GEODIST s Palermo x", "GEODIST s x y m", "GEODIST nokey a b km"),
        case(
            "errors",
            SICILY,
            "GEODIST s Palermo Catania ly",
            "GEODIST s a b m m",
            "GEODIST n a b x",
        ),
        case("wrong type", "SET k v", "GEODIST k a b", "GEODIST k a b x"),
        case("arity", "GEODIST", "GEODIST s", "GEODIST s a"),
    ],
    "GEOSEARCH": [
        case(
            "whole world",
            _add("k", WORLD),
            *_searches("k", 45, (-180, 180), (-85, 85), (3, 7.2)),
        ),
        case("a town", _add("k", TOWN), *_searches("k", 45, (9.9, 10.1), (49.9, 50.1), (1, 4.5))),
        case("a pole", _add("k", POLE), *_searches("k", 45, (-180, 180), (75, 85), (3, 6.5))),
        case(
            "from a member",
            SICILY,
            "GEOSEARCH s FROMMEMBER Palermo BYRADIUS 200 km ASC WITHDIST",
            "GEOSEARCH s FROMMEMBER Palermo BYBOX 400 400 km ASC WITHDIST WITHCOORD",
            "GEOSEARCH s FROMMEMBER none BYRADIUS 200 km",
            "GEOSEARCH s FROMMEMBER Palermo BYRADIUS 0 m",
            "GEOSEARCH s FROMMEMBER Palermo BYBOX 0 0 m",
            "GEOSEARCH nokey FROMMEMBER none BYRADIUS 200 km",
        ),
        case(
            "a crowd",
            _add("k", CROWD),
            "GEOSEARCH k FROMLONLAT 10.5 50.5 BYRADIUS 500 km ASC COUNT 20 WITHDIST",
            "GEOSEARCH k FROMLONLAT 10.5 50.5 BYBOX 100 100 km DESC",
            "GEOSEARCHSTORE d k FROMLONLAT 10.5 50.5 BYBOX 500 500 km",
            "ZRANGE d 5000 5010",
        ),
        case(
            "any",
            _add("k", WORLD),
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 9000 km COUNT 10 ANY",
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 9000 km COUNT 10 ANY ASC WITHDIST",
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 9000 km ANY COUNT 3 DESC",
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 9000 km ANY",
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 9000 km COUNT 100000 ANY",
        ),
        case(
            "around the edges of the map",
            "GEOADD k 179.9 0 a -179.9 0 b 179.5 84 c -179.5 84 d 0 85 e 0 -85 f",
            "GEOSEARCH k FROMLONLAT 180 0 BYRADIUS 100 km ASC",
            "GEOSEARCH k FROMLONLAT -180 0 BYRADIUS 100 km ASC",
            "GEOSEARCH k FROMLONLAT 179.9 84 BYBOX 500 500 km ASC",
            "GEOSEARCH k FROMLONLAT 0 85.05 BYRADIUS 1000 km ASC",
            "GEOSEARCH k FROMLONLAT 180 85.05112878 BYBOX 20000 20000 km ASC",
            "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 1e300 km ASC",
            "GEOSEARCH k FROMLONLAT 0 0 BYBOX 1e300 1e300 mi ASC",
        ),
        case(
            "scores that are no places",
            "ZADD s 1 a -5 b 1e15 c 3479099956230698 d",
            "GEOSEARCH s FROMLONLAT 13 38 BYRADIUS 100 km ASC WITHHASH",
            "GEOSEARCH s FROMLONLAT -180 -85 BYRADIUS 100 km ASC WITHHASH",
        ),
        case(
            "errors",
            SICILY,
            "GEOSEARCH s FROMLONLAT 15 37 ASC WITHDIST WITHHASH",
            "GEOSEARCH s BYRADIUS 200 km ASC WITHDIST WITHHASH",
            "geosearch s BYRADIUS 200 km ASC WITHDIST WITHHASH",
            "GEOSEARCH s FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 200 km",
            "GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 15 37 BYRADIUS 200 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km BYBOX 1 1 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 1 km BYRADIUS 200 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 xy",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS x km",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS -1 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX x 1 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 x km",
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX -1 1 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 1",
            "GEOSEARCH s FROMLONLAT 200 37 BYRADIUS 1 km",
            "GEOSEARCH s FROMLONLAT x 37 BYRADIUS 1 km",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT -1",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT x",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STORE d",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST",
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km FROB",
            "GEOSEARCH nokey FROMLONLAT 15 37 BYRADIUS 1 km FROB",
            "GEOSEARCH nokey FROMLONLAT 15 37 BYRADIUS 1 xx WITHDIST",
        ),
        case("wrong type", "SET k v", "GEOSEARCH k FROMLONLAT 1 2 BYRADIUS 1 km"),
        case("arity", "GEOSEARCH", "GEOSEARCH s FROMLONLAT 1 2 BYRADIUS 1"),
    ],
    "GEOSEARCHSTORE": [
        case(
            "hashes and distances",
            SICILY,
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYBOX 400 400 km ASC",
            DISTANCES,
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 3 STOREDIST",
            DISTANCES,
            "GEOSEARCHSTORE d s FROMMEMBER Palermo BYRADIUS 200 mi STOREDIST",
            DISTANCES,
            "OBJECT ENCODING d",
        ),
        case(
            "a large result",
            _add("k", WORLD),
            "GEOSEARCHSTORE d k FROMLONLAT 0 0 BYRADIUS 1e5 km",
        ),
        case(
            "over the source, another type, nothing",
            SICILY,
            "SET d v EX 100",
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1000 km",
            "TTL d",
            "ZCARD d",
            "GEOSEARCHSTORE s s FROMMEMBER Palermo BYRADIUS 200 km",
            "ZRANGE s 0 -1",
            "GEOSEARCHSTORE d s FROMLONLAT 0 0 BYRADIUS 1 m",
            "EXISTS d",
            "SET d v",
            "GEOSEARCHSTORE d nokey FROMLONLAT 0 0 BYRADIUS 1 m",
            "EXISTS d",
        ),
        case(
            "errors",
            SICILY,
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km WITHCOORD WITHHASH",
            "GEOSEARCHSTORE d s BYRADIUS 200 km STOREDIST STOREDIST",
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 ASC STOREDIST ASC",
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STORE e",
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST e",
            "GEOSEARCHSTORE d s FROMMEMBER none BYRADIUS 200 km",
            "EXISTS d",
        ),
        case("wrong type", "SET k v", "GEOSEARCHSTORE d k FROMLONLAT 1 2 BYRADIUS 1 km"),
        case("arity", "GEOSEARCHSTORE", "GEOSEARCHSTORE d s FROMLONLAT 1 2 BYRADIUS 1"),
    ],
    "GEORADIUS": [
        case(
            "searches",
            SICILY,
            "GEORADIUS s 15 37 200 km",
            f"GEORADIUS s 15 37 300 km ASC {_WITH}",
            "GEORADIUS s 15 37 300 km COUNT 1",
            "GEORADIUS s 15 37 300 km COUNT 1 DESC",
            "GEORADIUS s 15 37 300 km COUNT 1 ANY",
            "GEORADIUS nokey 15 37 200 km",
            "GEORADIUS nokey 15 37 200 km STORE d",
        ),
        case(
            "stores",
            SICILY,
            "GEORADIUS s 15 37 400 km STORE d",
            DISTANCES,
            "GEORADIUS s 15 37 400 km STOREDIST d",
            DISTANCES,
            "GEORADIUS s 15 37 400 km STORE e COUNT 2 STOREDIST d DESC",
            DISTANCES,
            "EXISTS e",
            "GEORADIUS s 15 37 1 m STORE d",
            "EXISTS d",
            "GEORADIUS s 15 37 400 km STORE s",
            "ZCARD s",
        ),
        case(
            "errors",
            SICILY,
            "GEORADIUS s x 37 200 km",
            "GEORADIUS s 15 90 200 km",
            "GEORADIUS s 15 37 x km",
            "GEORADIUS s 15 37 -1 km",
            "GEORADIUS s 15 37 200 xy",
            "GEORADIUS s 15 37 200 km FROB",
            "GEORADIUS s 15 37 200 km COUNT",
            "GEORADIUS s 15 37 200 km COUNT 0",
            "GEORADIUS s 15 37 200 km ANY",
            "GEORADIUS s 15 37 200 km STORE",
            "GEORADIUS s 15 37 200 km STORE d WITHDIST",
            "GEORADIUS s 15 37 200 km WITHCOORD STOREDIST d",
            "GEORADIUS s 15 37 200 km FROMMEMBER Palermo",
            "GEORADIUS nokey 15 37 200 xy",
        ),
        case("wrong type", "SET k v", "GEORADIUS k 15 37 200 km", "GEORADIUS k x 37 200 km"),
        case("arity", "GEORADIUS", "GEORADIUS s 15 37 200"),
        case("keys", SICILY, "COMMAND GETKEYS GEORADIUS s 15 37 200 km STORE d", _STORE),
    ],
    "GEORADIUS_RO": [
        case("searches", SICILY, "GEORADIUS_RO s 15 37 200 km ASC", "GEORADIUS_RO nokey 1 2 3 m"),
        case("does not store", SICILY, "GEORADIUS_RO s 15 37 200 km STORE d", "EXISTS d"),
        case("wrong type", "SET k v", "GEORADIUS_RO k 15 37 200 km"),
        case("arity", "GEORADIUS_RO", "GEORADIUS_RO s 15 37 200"),
    ],
    "GEORADIUSBYMEMBER": [
        case(
            "searches",
            SICILY,
            "GEORADIUSBYMEMBER s Palermo 200 km",
            f"GEORADIUSBYMEMBER s Palermo 300 km ASC {_WITH}",
            "GEORADIUSBYMEMBER s Palermo 0 m",
            "GEORADIUSBYMEMBER s Palermo 400 km STOREDIST d",
            DISTANCES,
            "GEORADIUSBYMEMBER s Palermo 400 km STORE d",
            DISTANCES,
        ),
        case(
            "errors",
            SICILY,
            "GEORADIUSBYMEMBER s none 200 km",
            "GEORADIUSBYMEMBER s none x km",
            "GEORADIUSBYMEMBER s Palermo x km",
            "GEORADIUSBYMEMBER s Palermo 1 xy",
            "GEORADIUSBYMEMBER s Palermo 1 km FROB",
            "GEORADIUSBYMEMBER nokey none x km",
            "GEORADIUSBYMEMBER nokey none 1 xy STORE d",
            "GEORADIUSBYMEMBER nokey none 1 xy FROB",
        ),
        case("wrong type", "SET k v", "GEORADIUSBYMEMBER k a 200 km"),
        case("arity", "GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER s a 200"),
    ],
    "GEORADIUSBYMEMBER_RO": [
        case("searches", SICILY, "GEORADIUSBYMEMBER_RO s Palermo 200 km ASC WITHDIST"),
        case("does not store", SICILY, "GEORADIUSBYMEMBER_RO s Palermo 200 km STOREDIST d"),
        case("wrong type", "SET k v", "GEORADIUSBYMEMBER_RO k a 200 km"),
        case("arity", "GEORADIUSBYMEMBER_RO", "GEORADIUSBYMEMBER_RO s a 200"),
    ],
}
