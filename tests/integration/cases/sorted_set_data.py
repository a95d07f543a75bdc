"""What the sorted set cases share."""

from support.case import case, norm
from support.resp import Double

# Longer than zset-max-listpack-value.
LONG = "x" * 100
NOT_A_SET = "SET s v"
_MEMBERS = "ZADD z 1 a 2 b 3 c"
# More members than mantisd handles in one go on an event loop.
HUGE = ("ZADD", "z", *[text for i in range(12_000) for text in (str(i % 1000), f"m{i}")])


def both(name, *steps, **more):
    """The same steps on a compact set `z` of a, b and c, and on one that has outgrown that form."""
    made_big = [_MEMBERS, ("ZADD", "z", "0", LONG), ("ZREM", "z", LONG)]
    return [
        case(f"{name}, compact", _MEMBERS, *steps, **more),
        case(f"{name}, big", *made_big, *steps, "ZRANGE z 0 -1 WITHSCORES", **more),
    ]


def _canonical(reply):
    if isinstance(reply, list):
        return [_canonical(part) for part in reply]
    if isinstance(reply, Double):
        return Double(repr(float(reply.text)).encode())
    if isinstance(reply, bytes):
        try:
            return repr(float(reply)).encode()
        except ValueError:
            return reply
    return reply


def exact_scores(step):
    """Scores as numbers: Redis 7.2 writes the shortest digits, 7.0 seventeen."""
    return norm(step, _canonical)
